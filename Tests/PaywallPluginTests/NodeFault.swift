import Foundation
import Synchronization
import TestSupport
import Testing

/// A way in which a node fails to answer.
struct NodeFault: Sendable, CustomTestStringConvertible {
  let name: String
  /// What the log says.
  let line: String
  /// Whether it keeps the watcher waiting until the request's time is over.
  var isSlow = false
  let answer: OddNode.Misbehaviour

  var testDescription: String { name }

  /// Answers each request with a status and a body.
  private static func always(
    _ name: String, _ line: String, status: String = "200 OK", headers: [String] = [],
    _ body: String
  ) -> NodeFault {
    NodeFault(name: name, line: line) {
      $0.connection.answer(status: status, headers: headers, Array(body.utf8))
    }
  }

  static let all: [NodeFault] = statuses + bodies + breaks

  private static let statuses: [NodeFault] = [
    // Servers that repeat the path, and with it the key.
    NodeFault(name: "404", line: "HTTP status 404") {
      $0.connection.answer(status: "404 Not Found", Array("no such page: \($0.head)".utf8))
    },
    always("401", "HTTP status 401", status: "401 Unauthorized", "bad key \(OddShop.key)"),
    always("429", "HTTP status 429", status: "429 Too Many Requests", "slow down"),
    always(
      "429 with Retry-After", "HTTP status 429, to be asked again after 2 s",
      status: "429 Too Many Requests", headers: ["Retry-After: 2"], ""),
    always("500", "HTTP status 500", status: "500 Internal Server Error", "oops"),
    always(
      "503 in HTML", "HTTP status 503", status: "503 Service Unavailable",
      headers: ["Content-Type: text/html"], "<html>\r\n<body>\u{1b}[31mlater</body></html>"),
    always(
      "302", "HTTP status 302", status: "302 Found", headers: ["Location: http://127.0.0.1:1/"], ""),
  ]

  private static let bodies: [NodeFault] = [
    always(
      "HTML", "is not JSON: <html>", headers: ["Content-Type: text/html"],
      "<html><a href=\"/rpc/\(OddShop.key)\">a page</a></html>"),
    always("nothing", "is not JSON", ""),
    NodeFault(name: "another's answer", line: "belongs to another request") {
      $0.answer { $0.replacing(/"id":\d+/, with: "\"id\":0") }
    },
    always(
      "a refusal", "the node refused iota", #"{"id":1,"error":{"code":-32050,"message":"later"}}"#),
    always("no result", "unexpected value at", #"{"jsonrpc":"2.0","id":1}"#),
    always("nested arrays", "nested too deeply", String(repeating: "[", count: 100_000)),
    always(
      "nested objects", "nested too deeply",
      #"{"id":1,"result":"# + String(repeating: #"{"a":"#, count: 100_000)),
    NodeFault(name: "half of the JSON", line: "is not JSON") {
      guard let honest = $0.honestAnswer() else { return false }
      return $0.connection.answer(Array(honest.prefix(honest.count / 2)))
    },
    NodeFault(name: "too short a length", line: "is not JSON") {
      guard let honest = $0.honestAnswer() else { return false }
      return $0.connection.send(
        Array("HTTP/1.1 200 OK\r\nContent-Length: \(honest.count - 3)\r\n\r\n".utf8) + honest)
    },
    NodeFault(name: "a large body", line: "larger than the 16777216 bytes accepted") {
      $0.connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
      return $0.connection.send([UInt8](repeating: 0x20, count: 100_000_000))
    },
    NodeFault(name: "a gzip bomb", line: "larger than the 16777216 bytes accepted") {
      $0.connection.answer(headers: ["Content-Encoding: gzip"], GzipBomb.bytes)
    },
    always(
      "broken gzip", "not valid HTTP", headers: ["Content-Encoding: gzip"], "this is no gzip"),
  ]

  private static let breaks: [NodeFault] = [
    NodeFault(name: "hang", line: "no complete answer within", isSlow: true) {
      $0.connection.waitForClose()
      return false
    },
    NodeFault(name: "trickle", line: "no complete answer within", isSlow: true) {
      $0.connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
      while $0.connection.send(" ") { sleep(1) }
      return false
    },
    NodeFault(name: "too large a length", line: "no complete answer within", isSlow: true) {
      guard let honest = $0.honestAnswer() else { return false }
      $0.connection.send(
        Array("HTTP/1.1 200 OK\r\nContent-Length: \(honest.count + 3)\r\n\r\n".utf8) + honest)
      $0.connection.waitForClose()
      return false
    },
    NodeFault(name: "end", line: "the connection broke") { _ in false },
    NodeFault(name: "reset in mid-body", line: "the connection broke") {
      $0.connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"id\":")
      $0.connection.resetWhenClosed()
      return false
    },
    NodeFault(name: "end of a chunk", line: "the connection broke") {
      $0.connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"id\":")
      return false
    },
    NodeFault(name: "no HTTP", line: "not valid HTTP") {
      $0.connection.send("SSH-2.0-OpenSSH_9.2\r\n")
      return false
    },
  ]
}

/// 100 MB of nothing, in 97 kB.
private enum GzipBomb {
  static let bytes: [UInt8] = {
    let process = Subprocess()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "head -c 100000000 /dev/zero | gzip -9"]
    let output = Pipe()
    process.standardOutput = output
    do {
      try process.run()
      let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return Array(bytes)
    } catch {
      return []
    }
  }()
}

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(5))) struct JSONRPCTests {
  @Test func `calls a method and reads its result`() throws {
    let calls = Mutex<[JSONValue]>([])
    let server = try LoopbackServer { connection in
      while let request = connection.readRequest() {
        let call = try? JSONDecoder().decode(JSONValue.self, from: Data(request.body))
        calls.withLock { $0.append(call ?? .null) }
        guard case .object(let members) = call, case .integer(let id) = members["id"] else {
          return
        }
        connection.answer(Array(#"{"jsonrpc":"2.0","id":\#(id),"result":["6364aad5"]}"#.utf8))
      }
    }
    let endpoint = JSONRPCEndpoint(url: server.url(), client: HTTPClient())
    let params: [JSONValue] = ["0x2", nil, 50, true, ["a": [1]]]
    for _ in 0..<2 {
      #expect(try endpoint.call("iota_test", params, as: [String].self) == ["6364aad5"])
    }
    let expected = (1...2).map { id -> JSONValue in
      [
        "jsonrpc": "2.0", "id": .integer(id), "method": "iota_test",
        "params": ["0x2", nil, 50, true, ["a": [1]]],
      ]
    }
    #expect(calls.withLock { $0 } == expected)
  }

  @Test(arguments: [
    (
      #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no\nsuch"}}"#,
      JSONRPCError.Code.node, "refused m with -32602: no·such"
    ),
    (#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}"#, .node, "-32700"),
    (#"{"jsonrpc":"2.0","id":2,"result":"x"}"#, .invalidResponse, "another request"),
    (#"{"jsonrpc":"2.0","result":"x"}"#, .invalidResponse, "another request"),
    (#"{"jsonrpc":"2.0","id":1}"#, .invalidResponse, "unexpected value at result"),
    (#"{"jsonrpc":"2.0","id":1,"result":7}"#, .invalidResponse, "unexpected value at result"),
    (#"[]"#, .invalidResponse, "the top level"),
    ("<html>Bad Gateway\r\n\u{1B}[2J</html>", .invalidResponse, "<html>Bad Gateway··"),
    ("", .invalidResponse, "(no body)"),
    (#"{"jsonrpc":"2.0","id":1,"res"#, .invalidResponse, "not JSON"),
    (String(repeating: "[", count: 1_000_000), .invalidResponse, "too deeply"),
    (String(repeating: #"{"a":"#, count: 100_000), .invalidResponse, "too deeply"),
    (String(repeating: "]", count: 10), .invalidResponse, "too deeply"),
  ]) func `reports an answer without result`(
    body: String, code: JSONRPCError.Code, reason: String
  ) throws {
    let error = try failure(body: Array(body.utf8))
    #expect(error.code == code)
    #expect(error.description.contains(reason), "\(error)")
    #expect(error.description.count < 300)
  }

  @Test func `survives nesting just below its limit on a small stack`() throws {
    let depth = JSONPost.maximumDepth - 1
    let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    let body = Array(#"{"jsonrpc":"2.0","id":1,"result":\#(nested)}"#.utf8)
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.answer(body)
    }
    let endpoint = JSONRPCEndpoint(url: server.url(), client: HTTPClient())
    let ended = DispatchSemaphore(value: 0)
    let value = Mutex(JSONValue.null)
    let thread = Thread {
      let result = try? endpoint.call("m", [JSONValue](), as: JSONValue.self)
      value.withLock { $0 = result ?? .null }
      ended.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    ended.wait()
    #expect(value.withLock { $0 } != .null)
  }

  @Test(arguments: [
    ("Retry-After: 7", 7), ("Retry-After: -3", 0), ("Retry-After: 99999999999", 86_400),
    ("Retry-After: soon", nil), ("X-Other: 1", nil),
    ("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:51:00 GMT", 83),
    ("Date: Thu, 29 Feb 2024 23:59:59 GMT\r\nRetry-After: Fri, 01 Mar 2024 00:00:01 GMT", 2),
    ("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT", 0),
  ]) func `reads when to come back`(header: String, seconds: Int?) throws {
    let error = try failure(
      status: "429 Too Many Requests", headers: [header], body: Array("Too Many Requests".utf8))
    #expect(error.code == .status)
    #expect(error.status == 429)
    #expect(error.retryAfterSeconds == seconds)
    #expect(error.description.contains("429"))
    #expect(error.description.contains("Too Many Requests"))
  }

  @Test func `hides an API key that the server repeats`() throws {
    let key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    let error = try failure(
      path: "/\(key)", sent: [.init("X-Key", "swordfish")], status: "403 Forbidden",
      body: Array("key \(key) or swordfish is unknown".utf8))
    #expect(!error.description.contains(key))
    #expect(!error.description.contains("swordfish"))
    #expect(error.description.contains("key … or … is unknown"))
  }

  @Test func `passes on what the transport reports`() throws {
    let port = try LoopbackServer.deafPort()
    let error = #expect(throws: JSONRPCError.self) {
      try JSONRPCEndpoint(url: "http://127.0.0.1:\(port)/", client: HTTPClient())
        .call("m", [JSONValue](), as: String.self)
    }
    #expect(error?.transport?.code == .cannotConnect)
    #expect(error?.isCancelled == false)
  }

  @Test func `random bytes are an error, never a crash`() throws {
    let seed = testSeed()
    var generator = SplitMix64(seed: seed)
    let client = HTTPClient()
    let whole = Array(
      #"{"jsonrpc":"2.0","id":1,"result":{"data":[{"digest":"x","checkpoint":"12"}],"n":1e9}}"#.utf8
    )
    let sent = Mutex<[UInt8]>([])
    let server = try LoopbackServer { connection in
      while connection.readRequest() != nil { connection.answer(sent.withLock { $0 }) }
    }
    for _ in 0..<1000 {
      var body = whole
      for _ in 0...Int.random(in: 0..<6, using: &generator) {
        let place = Int.random(in: 0..<body.count, using: &generator)
        body[place] = UInt8.random(in: 0...255, using: &generator)
      }
      body.removeLast(Int.random(in: 0..<20, using: &generator))
      sent.withLock { [body] in $0 = body }
      let endpoint = JSONRPCEndpoint(url: server.url(), client: client)
      do {
        let result = try endpoint.call("m", [JSONValue](), as: JSONValue.self)
        #expect(result != .null, "seed \(seed)")
      } catch {
        #expect([.invalidResponse, .node].contains(error.code), "seed \(seed): \(error)")
      }
    }
  }

  private func failure(
    path: String = "/", sent: [HTTPRequest.Header] = [], status: String = "200 OK",
    headers: [String] = [], body: [UInt8]
  ) throws -> JSONRPCError {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.answer(status: status, headers: headers, body)
    }
    let endpoint = JSONRPCEndpoint(url: server.url(path), headers: sent, client: HTTPClient())
    let error = #expect(throws: JSONRPCError.self) {
      try endpoint.call("m", [JSONValue](), as: String.self)
    }
    return try #require(error)
  }
}

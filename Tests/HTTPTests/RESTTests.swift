import HTTP
import Synchronization
import TestSupport
import Testing

/// Resources read as JSON.
@Suite(.timeLimit(.minutes(5))) struct RESTTests {
  private struct Thing: Decodable, Equatable {
    var name: String
  }

  private final class Heard: Sendable {
    let heads = Mutex<[String]>([])
  }

  private func server(
    _ body: String, status: String = "200 OK", headers: [String] = [], _ heard: Heard = Heard()
  ) throws -> LoopbackServer {
    try LoopbackServer { connection in
      while let request = connection.readRequest() {
        heard.heads.withLock { $0.append(request.head) }
        guard connection.answer(status: status, headers: headers, Array(body.utf8)) else { return }
      }
    }
  }

  @Test(arguments: [
    ("", "GET /a/b?c=1&d=2 "), ("/", "GET /a/b?c=1&d=2 "), ("/v1/", "GET /v1/a/b?c=1&d=2 "),
    ("/v1?key=x", "GET /v1/a/b?key=x&c=1&d=2 "), ("?", "GET /a/b?c=1&d=2 "),
  ]) func `asks below the base URL`(base: String, line: String) throws {
    let heard = Heard()
    let server = try server(#"{"name":"x"}"#, heard)
    let endpoint = RESTEndpoint(
      url: "http://127.0.0.1:\(server.port)\(base)", headers: [.init("X-Key", "abc")],
      client: HTTPClient())
    let thing = try endpoint.get("/a/b", query: [("c", "1"), ("d", "2")], as: Thing.self)
    #expect(thing == Thing(name: "x"))
    let head = try #require(heard.heads.withLock { $0.first })
    #expect(head.hasPrefix(line), "\(head)")
    #expect(head.contains("X-Key: abc"))
  }

  @Test func `says what went wrong, without secrets`() throws {
    let refused = try server(
      "no such key: verysecret", status: "429 Too Many Requests", headers: ["Retry-After: 7"])
    let client = HTTPClient()
    let endpoint = RESTEndpoint(url: refused.url() + "/?key=verysecret", client: client)
    let error = #expect(throws: RESTError.self) { try endpoint.get("/a", as: Thing.self) }
    #expect(error?.status == 429 && error?.retryAfterSeconds == 7)
    #expect(error?.description.contains("/a was answered with HTTP status 429") == true)
    #expect(error?.description.contains("verysecret") == false)

    for body in ["", "{", "<html>", "{}", "[]", String(repeating: "[", count: 100_000), "]"] {
      let server = try server(body)
      let endpoint = RESTEndpoint(url: server.url(), client: client)
      let error = #expect(throws: RESTError.self) { try endpoint.get("/a", as: Thing.self) }
      #expect(error?.code == .invalidResponse, "\(body.prefix(10))")
    }
    let nobody = RESTEndpoint(url: "http://127.0.0.1:1", client: client)
    let lost = #expect(throws: RESTError.self) { try nobody.get("/a", as: Thing.self) }
    #expect(lost?.code == .transport && lost?.transport?.code == .cannotConnect)
    client.cancel()
    let cancelled = #expect(throws: RESTError.self) { try nobody.get("/a", as: Thing.self) }
    #expect(cancelled?.isCancelled == true)
  }
}

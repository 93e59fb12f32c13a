import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(5))) struct HTTPClientTests {
  let client = HTTPClient()

  @Test func `hands over status, headers and body`() throws {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.answer(status: "404 Not Found", headers: ["X-Odd:  two words \t"], Array("gone".utf8))
    }
    let response = try client.send(HTTPRequest(url: server.url()))
    #expect(response.status == 404)
    #expect(response.header("x-odd") == "two words")
    #expect(response.body == Array("gone".utf8))
  }

  @Test func `sends method, headers and body as given`() throws {
    let seen = Mutex<(head: String, body: [UInt8])?>(nil)
    let server = try LoopbackServer { connection in
      let request = connection.readRequest()
      seen.withLock { $0 = request }
      connection.answer([])
    }
    let body: [UInt8] = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
    let headers = [HTTPRequest.Header("X-Key", "k"), .init("X-Empty", "")]
    _ = try client.send(
      HTTPRequest(.post, url: server.url("/a/b?c=d"), headers: headers, body: body))
    let request = try #require(seen.withLock { $0 })
    #expect(request.body == body)
    #expect(request.head.hasPrefix("POST /a/b?c=d HTTP/1.1\r\n"))
    #expect(request.head.contains("\r\nX-Key: k\r\n"))
    #expect(request.head.contains("\r\nX-Empty:"))
    #expect(!request.head.contains("Content-Type"))
    #expect(!request.head.contains("Expect"))
    _ = try client.send(HTTPRequest(.post, url: server.url()))
    #expect(seen.withLock { $0?.head.contains("Content-Length: 0") } == true)
  }

  @Test(arguments: [true, false]) func `keeps a connection where asked to`(keeps: Bool) throws {
    let connections = Atomic(0)
    let server = try LoopbackServer {
      connections.wrappingAdd(1, ordering: .relaxed)
      while $0.readRequest() != nil { $0.answer([1]) }
    }
    var request = HTTPRequest(url: server.url())
    request.keepsAlive = keeps
    for _ in 0..<5 { #expect(try client.send(request).body == [1]) }
    #expect(connections.load(ordering: .relaxed) == (keeps ? 1 : 5))
  }

  @Test func `opens a new connection where the server closed the kept one`() throws {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.answer([1])
    }
    for _ in 0..<5 { #expect(try client.send(HTTPRequest(url: server.url())).body == [1]) }
  }

  @Test func `does not follow redirects`() throws {
    let server = try LoopbackServer {
      while $0.readRequest() != nil {
        $0.answer(status: "302 Found", headers: ["Location: http://127.0.0.1:1/"], [])
      }
    }
    #expect(try client.send(HTTPRequest(url: server.url())).status == 302)
  }

  @Test func `drops the headers of interim answers`() throws {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
      $0.answer([7])
    }
    let response = try client.send(HTTPRequest(url: server.url()))
    #expect(response.status == 200)
    #expect(response.header("x-early") == nil)
  }

  @Test func `decompresses`() throws {
    // gzip of "hello hello hello hello"
    let zipped: [UInt8] = [
      0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9,
      0xc9, 0x57, 0xc8, 0x40, 0x27, 0x01, 0xe3, 0x51, 0x3d, 0x8d, 0x17, 0x00, 0x00, 0x00,
    ]
    let server = try LoopbackServer {
      while $0.readRequest() != nil { $0.answer(headers: ["Content-Encoding: gzip"], zipped) }
    }
    var request = HTTPRequest(url: server.url())
    #expect(try client.send(request).body == Array("hello hello hello hello".utf8))
    request.maximumBodyBytes = 22
    let limited = request
    #expect(failure(limited) == .tooLarge)
  }

  @Test(arguments: [100, 101]) func `takes a body up to its limit`(count: Int) throws {
    let server = try LoopbackServer {
      while let request = $0.readRequest() {
        if request.head.hasPrefix("GET /chunked") {
          $0.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
          for _ in 0..<count { $0.send("1\r\nx\r\n") }
          $0.send("0\r\n\r\n")
        } else {
          $0.answer([UInt8](repeating: 120, count: count))
        }
      }
    }
    for path in ["/", "/chunked"] {
      var request = HTTPRequest(url: server.url(path))
      request.maximumBodyBytes = 100
      if count <= 100 {
        #expect(try client.send(request).body.count == count)
      } else {
        #expect(failure(request) == .tooLarge)
      }
    }
  }

  @Test func `refuses endless headers and endless bodies`() throws {
    let server = try LoopbackServer {
      let isHeaders = $0.readRequest()?.head.hasPrefix("GET /headers") == true
      $0.send("HTTP/1.1 200 OK\r\n" + (isHeaders ? "" : "\r\n"))
      while $0.send("X-\(String(repeating: "y", count: 999)): 1\r\n") {}
    }
    #expect(failure(HTTPRequest(url: server.url("/headers"))) == .tooLarge)
    #expect(failure(HTTPRequest(url: server.url("/body"))) == .tooLarge)
  }

  @Test(arguments: [
    ("", HTTPError.Code.connectionLost),
    ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .connectionLost),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", .connectionLost),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", .connectionLost),
    ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", .protocolError),
    ("SSH-2.0-OpenSSH_9.2\r\n", .protocolError),
    ("<html>not HTTP</html>", .protocolError),
    ("HTTP/1.1 banana\r\n\r\n", .protocolError),
  ]) func `reports what is no whole answer`(_ sent: String, _ code: HTTPError.Code) throws {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.send(sent)
    }
    #expect(failure(HTTPRequest(url: server.url())) == code)
  }

  @Test func `reports a reset in mid-body`() throws {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
      $0.resetWhenClosed()
    }
    #expect(failure(HTTPRequest(url: server.url())) == .connectionLost)
  }

  @Test func `reports a port where nobody listens`() throws {
    let port = try LoopbackServer.deafPort()
    #expect(failure(HTTPRequest(url: "http://127.0.0.1:\(port)/")) == .cannotConnect)
  }

  @Test func `reports a name without address`() {
    #expect(failure(HTTPRequest(url: "http://no-such-name.invalid/")) == .cannotResolve)
  }

  @Test func `reports a server that speaks no TLS`() throws {
    let server = try LoopbackServer {
      $0.send("HTTP/1.1 400 Bad Request\r\n\r\n")
      $0.waitForClose()
    }
    #expect(failure(HTTPRequest(url: "https://127.0.0.1:\(server.port)/")) == .tls)
  }

  @Test func `trusts a certificate only for its host, and only of an authority that is trusted`()
    throws
  {
    let scratch = try Scratch()
    for name in ["IP:127.0.0.1", "IP:127.0.0.2", "DNS:node.example"] {
      let server = try TLSServer(in: scratch, name: name)
      var request = HTTPRequest(url: "https://127.0.0.1:\(server.port)/")
      #expect(failure(request) == .tls)
      request.trustedCertificatesPath = server.certificatePath
      #expect(failure(request) == (name == "IP:127.0.0.1" ? nil : .tls))
      server.stop()
    }
  }

  @Test(arguments: [
    "", "example.org", "ftp://example.org/", "file:///etc/passwd", "http://", "http://a b/",
    "http://a/\0b", "http://a/\nb", "http://[::1/", "http://a:999999/", "https://:80/",
  ]) func `refuses a URL that cannot be asked`(url: String) {
    #expect(failure(HTTPRequest(url: url)) == .badURL)
  }

  @Test(arguments: [("", "v"), ("a b", "v"), ("a:", "v"), ("a", "v\r\nX: y"), ("a", "v\0")])
  func `refuses a header that cannot be sent`(name: String, value: String) {
    let request = HTTPRequest(url: "http://127.0.0.1:1/", headers: [.init(name, value)])
    #expect(failure(request) == .badHeader)
  }

  @Test func `odd limits end in an answer or an error`() throws {
    let server = try LoopbackServer { while $0.readRequest() != nil { $0.answer([1]) } }
    var request = HTTPRequest(url: server.url())
    request.timeoutMs = .max
    request.connectTimeoutMs = .max
    request.maximumBodyBytes = .max
    #expect(try client.send(request).body == [1])
    request.maximumBodyBytes = .min
    #expect(failure(request) == .tooLarge)
    request.timeoutMs = .min
    request.connectTimeoutMs = .min
    #expect([.timeout, .tooLarge].contains(failure(request)))
  }

  private func failure(_ request: HTTPRequest) -> HTTPError.Code? {
    do {
      _ = try client.send(request)
      return nil
    } catch {
      return error.code
    }
  }
}

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTP

/// How a server keeps its client waiting.
enum Delay: CaseIterable {
  case beforeConnection, beforeTLS, beforeAnswer, inHeaders, inBody, trickling
}

@Suite(.timeLimit(.minutes(5))) struct CancellationTests {
  @Test(arguments: Delay.allCases) func `gives up in time`(delay: Delay) throws {
    let peer = try SlowPeer(delay)
    var request = HTTPRequest(url: peer.url)
    request.timeoutMs = 300
    request.connectTimeoutMs = 300
    let start = ContinuousClock.now
    let error = #expect(throws: HTTPError.self) { try HTTPClient().send(request) }
    #expect(error?.code == .timeout)
    #expect(.milliseconds(250)...(.seconds(5)) ~= ContinuousClock.now - start)
  }

  @Test(arguments: Delay.allCases) func `is cancelled at once`(delay: Delay) throws {
    let peer = try SlowPeer(delay)
    let client = HTTPClient()
    let cancelledAt = Mutex(ContinuousClock.now)
    Thread.detachNewThread {
      peer.isWaiting.wait()
      cancelledAt.withLock { $0 = .now }
      client.cancel()
    }
    let error = #expect(throws: HTTPError.self) { try client.send(HTTPRequest(url: peer.url)) }
    let took = cancelledAt.withLock { ContinuousClock.now - $0 }
    #expect(error?.code == .cancelled)
    #expect(took < .seconds(5), "\(delay) took \(took)")
    // Every later request ends before it begins.
    let later = #expect(throws: HTTPError.self) { try client.send(HTTPRequest(url: peer.url)) }
    #expect(later?.code == .cancelled)
  }

  @Test(arguments: Delay.allCases) func `looks several times a second whether to go on`(
    delay: Delay
  ) throws {
    let peer = try SlowPeer(delay)
    let looks = Mutex((count: 0, limit: 10))
    let client = HTTPClient {
      looks.withLock {
        $0.count += 1
        return $0.count < $0.limit
      }
    }
    let start = ContinuousClock.now
    let error = #expect(throws: HTTPError.self) { try client.send(HTTPRequest(url: peer.url)) }
    #expect(error?.code == .cancelled)
    #expect(looks.withLock(\.count) == 10)
    #expect(ContinuousClock.now - start < .seconds(8))
    // The next request is one of its own.
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.answer(Array("well".utf8))
    }
    looks.withLock { $0.limit = .max }
    #expect(try client.send(HTTPRequest(url: server.url())).body == Array("well".utf8))
  }

  @Test func `cancels a thread that waits for its turn`() throws {
    let peer = try SlowPeer(.beforeAnswer)
    let client = HTTPClient()
    let ended = DispatchSemaphore(value: 0)
    for _ in 0..<3 {
      Thread.detachNewThread {
        #expect(throws: HTTPError.self) { try client.send(HTTPRequest(url: peer.url)) }
        ended.signal()
      }
    }
    peer.isWaiting.wait()
    client.cancel()
    for _ in 0..<3 { #expect(ended.wait(timeout: .now() + 2) == .success) }
  }
}

/// A server that keeps its client waiting, and says when it does.
private final class SlowPeer: @unchecked Sendable {
  let isWaiting = DispatchSemaphore(value: 0)
  let url: String
  private var server: LoopbackServer?
  private var sockets: [Int32] = []

  init(_ delay: Delay) throws {
    guard delay != .beforeConnection else {
      // A full backlog: Linux drops further SYNs, so connecting never ends.
      let (listener, port) = try LoopbackServer.listen(backlog: 0)
      sockets = [listener]
      url = "http://127.0.0.1:\(port)/"
      try fillBacklog(port)
      // Nothing tells when the client has begun to connect; cancelling earlier is as good a test.
      isWaiting.signal()
      return
    }
    let isWaiting = isWaiting
    let server = try LoopbackServer { connection in
      if delay != .beforeTLS { _ = connection.readRequest() }
      switch delay {
      case .beforeConnection, .beforeTLS, .beforeAnswer: break
      case .inHeaders: connection.send("HTTP/1.1 200 OK\r\nX-A: ")
      case .inBody, .trickling:
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\na")
      }
      isWaiting.signal()
      if delay == .trickling {
        while connection.send("x") { usleep(10_000) }
      } else {
        connection.waitForClose()
      }
    }
    self.server = server
    url = delay == .beforeTLS ? "https://127.0.0.1:\(server.port)/" : server.url()
  }

  deinit {
    for socket in sockets { close(socket) }
  }

  private func fillBacklog(_ port: UInt16) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    for _ in 0..<3 {
      let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
      let socket = Glibc.socket(AF_INET, type, 0)
      sockets.append(socket)
      withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
  }
}

import Foundation
import HTTP
import Synchronization
import Testing
import TestSupport

/// The HTTP API of Mosquitto 2.1, which asks plugins on a thread of its own.
@Suite(
  .onOwnThread,
  .enabled(if: Mosquitto.version >= (2, 1, 0), "Mosquitto 2.0 has no HTTP API"))
struct HTTPAPITests {
  @Test(arguments: [true, false])
  func `the broker's other rules decide, and messages flow meanwhile`(
    isAllowed: Bool
  ) async throws {
    let port = LocalPort.free()
    var mosquitto = Mosquitto.Settings()
    mosquitto.moreLines = ["listener \(port) 127.0.0.1", "protocol http_api"]
    if isAllowed { mosquitto.aclLines = ["topic read /api/#"] }
    try await Shop.open(mosquitto) { shop in
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let sensor = try shop.sensor("sensor/live")
      let client = HTTPClient()
      for path in ["/api/v1/version", "/api/v1/listeners", "/api/v1/systree", "/sensor/live"] {
        let status = try client.send(HTTPRequest(url: "http://127.0.0.1:\(port)\(path)")).status
        #expect(status == (isAllowed && path.hasPrefix("/api") ? 200 : 401), "\(path)")
      }
      let logins = ["agent:agent-secret@", "johndoe:wrong@", "buyer%3Ax:y@", ":@", "0x\(a64):x@"]
      let visitors = logins.map { Visitor(url: "http://\($0)127.0.0.1:\(port)/api/v1/version") }
      for _ in 1...3 {
        try shop.grant("johndoe")
        let before = reader.arrivals.count
        #expect(eventually { reader.arrivals.count > before + 5 })
        try shop.revoke("johndoe")
        try shop.reload()
      }
      for (login, visitor) in zip(logins, visitors) {
        #expect(eventually { visitor.count > 20 })
        // A reload takes the password file away for a moment.
        let mayAgent = isAllowed && login.hasPrefix("agent")
        #expect(visitor.stop().isSubset(of: mayAgent ? [200, 401] : [401]), "\(login)")
      }
      sensor.stop()
      #expect(try shop.broker.stop().status == 0)
    }
  }

  private let a64 = String(repeating: "a", count: 64)
}

/// Somebody who asks again and again, on a thread.
private final class Visitor: Sendable {
  private let statuses = Mutex<[Int]>([])
  private let isStopping = Mutex(false)
  private let ended = DispatchSemaphore(value: 0)

  init(url: String) {
    Thread { self.run(url) }.start()
  }

  /// How often there was an answer.
  var count: Int { statuses.withLock { $0.count } }

  /// Stops asking.
  ///
  /// - Returns: The answers' statuses.
  func stop() -> Set<Int> {
    isStopping.withLock { $0 = true }
    ended.wait()
    return statuses.withLock { Set($0) }
  }

  private func run(_ url: String) {
    let client = HTTPClient()
    while !isStopping.withLock({ $0 }) {
      // A broker that is gone gives no answer, of which the test expects some.
      guard let answer = try? client.send(HTTPRequest(url: url)) else { continue }
      statuses.withLock { $0.append(answer.status) }
    }
    ended.signal()
  }
}

import CMosquittoPlugin
import DevTangle
import Foundation
import PaywallCore
import Synchronization
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue

/// What a node's failure does to a running broker: nothing, but that payments are read later.
@Suite(.timeLimit(.minutes(5))) struct NodeFaultTests {
  @Test(arguments: NodeFault.all)
  func `what was bought goes on, and what is paid meanwhile counts once it is over`(
    fault: NodeFault
  ) async throws {
    try await OddShop.open { shop in
      let first = try shop.pay(for: "janedoe")
      #expect(eventually { shop.isOpen(to: "janedoe") })
      #expect(shop.lines == [])

      shop.node.misbehave(fault.answer)
      let second = try shop.pay(for: "johndoe")
      #expect(
        shop.eventually(reader: "janedoe", other: "johndoe") {
          shop.node.oddCount >= (fault.isSlow ? 1 : 4) && !shop.lines.isEmpty
        })
      let lines = shop.lines
      #expect(lines.count == 1 && lines.allSatisfy { $0.contains(fault.line) }, "\(lines)")
      #expect(try shop.recorded() == ["\(first)"])

      shop.node.misbehave(nil)
      #expect(eventually { shop.isOpen(to: "johndoe") }, "\(fault.name)")
      #expect(try shop.recorded() == ["\(first)", "\(second)"].sorted())
      #expect(shop.lines.count == 2 && shop.lines[1].hasSuffix("this node answers again"))
      #expect(shop.countings(of: second) == 1)

      // It stops, starts and stops in the middle of it.
      shop.node.misbehave(fault.answer)
      #expect(eventually { shop.node.oddCount > 0 })
      shop.stop()
      shop.start()
      #expect(shop.isOpen(to: "janedoe") && shop.isOpen(to: "johndoe"))
      shop.stop()
      #expect(shop.lines.allSatisfy { !$0.contains(OddShop.key) })
    }
  }

  @Test func `a node that refuses connections`() async throws {
    let market = try await Market()
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      let port = market.tangle.nodeURL.split(separator: ":").last ?? ""
      func lines() -> [String] {
        host.tick()
        return PluginHost.warnings(containing: ":\(port)")
      }
      func pay(_ name: String) throws -> Digest {
        try waiting {
          try await market.tangle.pay(
            3_600_000, to: market.seller, by: market.buyer,
            memo: Array(#"{"username":"\#(name)"}"#.utf8))
        }
      }
      func isOpen(_ name: String) -> Bool { host.read("sensor/live", username: name) == success }
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      _ = try pay("janedoe")
      #expect(eventually { isOpen("janedoe") })
      try waiting { await market.tangle.goDown() }
      let digest = try pay("johndoe")
      #expect(eventually { !lines().isEmpty })
      #expect(isOpen("janedoe") && !isOpen("johndoe"))
      try waiting { await market.tangle.comeUp() }
      #expect(eventually { isOpen("johndoe") })
      #expect(lines().count == 2, "\(lines())")
      #expect(lines()[0].contains("cannot connect; is the address right"))
      let told = PluginHost.log(containing: "payment \(digest)")
      #expect(told.count { !$0.contains("is pending") } == 1)
      try waiting { await market.tangle.goDown() }
      for _ in 0..<2 {
        let began = ContinuousClock.now
        host.stop()
        #expect(ContinuousClock.now - began < .seconds(4))
        #expect(host.start() == success)
        #expect(isOpen("janedoe") && isOpen("johndoe"))
      }
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `a body without end is read up to its limit`() async throws {
    try await OddShop.open { shop in
      let sent = Mutex(0)
      shop.node.misbehave { exchange in
        exchange.connection.send("HTTP/1.1 200 OK\r\n\r\n")
        let chunk = [UInt8](repeating: 0x20, count: 1 << 20)
        while exchange.connection.send(chunk) { sent.withLock { $0 += 1 } }
        return false
      }
      #expect(eventually { !shop.lines.isEmpty })
      #expect(shop.lines[0].contains("larger than"))
      // What is in the sockets' buffers is sent, too.
      #expect((16...32).contains(sent.withLock { $0 } / shop.node.oddCount))
    }
  }

  @Test func `a redirect is not followed`() async throws {
    let visits = Atomic(0)
    let other = try LoopbackServer { _ in visits.wrappingAdd(1, ordering: .relaxed) }
    try await OddShop.open { shop in
      shop.node.misbehave {
        $0.connection.answer(
          status: "307 Temporary Redirect", headers: ["Location: \(other.url())"], [])
      }
      #expect(eventually { shop.node.oddCount >= 3 })
    }
    #expect(visits.load(ordering: .relaxed) == 0)
  }

  @Test func `a server of HTTP 1.0 will do`() async throws {
    try await OddShop.open { shop in
      shop.node.misbehave { exchange in
        guard let honest = exchange.honestAnswer() else { return false }
        exchange.connection.send(Array("HTTP/1.0 200 OK\r\n\r\n".utf8) + honest)
        return false
      }
      try shop.pay(for: "janedoe")
      #expect(eventually { shop.isOpen(to: "janedoe") })
      #expect(shop.lines == [])
    }
  }
}

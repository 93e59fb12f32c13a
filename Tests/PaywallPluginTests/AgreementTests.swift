import CMosquittoPlugin
import DevTangle
import Foundation
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue

/// Nodes that have to agree on a payment, of which one lies.
struct AgreementTests {
  private static func configuration(_ market: Market, _ nodes: [String], agree: Int) -> String {
    PluginHost.configuration(market.settings)
      .replacing(
        "nodes = [\"\(market.settings.node)\"]", with: "nodes = \(nodes)\nagree = \(agree)")
  }

  private static func logs(_ host: PluginHost, _ text: String) -> Bool {
    eventually {
      host.tick()
      return !PluginHost.log(containing: text).isEmpty
    }
  }

  @Test(arguments: PaymentLie.allCases, [0, 1])
  func `a liar among three sells nothing and hides nothing`(
    lie: PaymentLie, place: Int
  ) async throws {
    let market = try await Market()
    let relays = try (0..<3).map { _ in try RelayNode(to: market.tangle.nodeURL) }
    try await onThread {
      let host = try PluginHost(
        Self.configuration(market, relays.map(\.url), agree: 2), tangle: market.settings)
      relays[place].lie(lie)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(1000, memo: #"{"username":"janedoe"}"#)
      let paid = try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      #expect(eventually { host.read("sensor/live", username: "janedoe") != success })
      #expect(Self.logs(host, "payment \(paid) of 0.00006 IOTA for johndoe"))
      func warnings() -> [String] {
        host.tick()
        return PluginHost.log(containing: "tells otherwise")
          .filter { $0.contains(relays[place].url) }
      }
      if lie != .hidden {
        // Where the others happen to be read first, nobody asks the liar.
        let isNoticed = try eventually {
          try market.pay(1000, memo: #"{"username":"janedoe"}"#)
          return !warnings().isEmpty
        }
        #expect(isNoticed)
      }
      #expect(warnings().count == (lie == .hidden ? 0 : 1), "\(warnings())")
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `where both have to agree nothing counts until they do, and what runs goes on`()
    async throws
  {
    let market = try await Market()
    let relays = try (0..<2).map { _ in try RelayNode(to: market.tangle.nodeURL) }
    try await onThread {
      let host = try PluginHost(
        Self.configuration(market, relays.map(\.url), agree: 2), tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      relays[1].lie(.moreMoney)
      let paid = try market.pay(60_000, memo: #"{"username":"janedoe"}"#)
      #expect(Self.logs(host, "the first is \(paid): \(relays[0].url) tells 0.00006 IOTA"))
      let polls = relays[0].count(of: "iotax_queryTransactionBlocks")
      #expect(eventually { relays[0].count(of: "iotax_queryTransactionBlocks") > polls + 3 })
      host.tick()
      #expect(PluginHost.log(containing: "\(paid)").count == 1)
      #expect(host.read("sensor/live", username: "janedoe") != success)
      #expect(host.read("sensor/live", username: "johndoe") == success)

      // A SIGHUP to an honest node has it counted.
      try host.scratch.write(
        Self.configuration(market, [relays[0].url, market.tangle.nodeURL], agree: 2),
        to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(eventually { host.read("sensor/live", username: "janedoe") == success })
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `an outage of too many is said once, and ends`() async throws {
    let market = try await Market()
    let relay = try RelayNode(to: market.tangle.nodeURL)
    try await onThread {
      let deaf = "http://127.0.0.1:\(try LoopbackServer.deafPort())/"
      let host = try PluginHost(
        Self.configuration(market, [deaf, relay.url], agree: 2), tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      let line = "no new payment counts: 2 nodes have to agree, and 1 of 2 answers; silent: \(deaf)"
      #expect(Self.logs(host, line))
      let polls = relay.count(of: "iotax_queryTransactionBlocks")
      #expect(eventually { relay.count(of: "iotax_queryTransactionBlocks") > polls + 5 })
      host.tick()
      #expect(PluginHost.log(containing: line).count == 1)
      #expect(host.read("sensor/live", username: "johndoe") != success)
      try host.scratch.write(
        Self.configuration(market, [market.tangle.nodeURL, relay.url], agree: 2),
        to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      #expect(Self.logs(host, "tangle: works again"))
      host.stop()
    }
    await market.tangle.stop()
  }
}

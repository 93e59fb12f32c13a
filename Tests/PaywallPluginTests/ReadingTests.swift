import CMosquittoPlugin
import DevTangle
import Foundation
import Ledger
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue

/// How soon a payment is read.
struct DemandTests {
  @Test func `a login of somebody who has to pay has payments read often`() async throws {
    let market = try await Market()
    let node = try RelayNode(to: market.tangle.nodeURL)
    try await onThread {
      let host = try PluginHost(
        PluginHost.configuration(market.settings)
          .replacing(market.settings.node, with: node.url), tangle: market.settings)
      #expect(host.start() == success)
      func polls() -> Int { node.count(of: "iotax_queryTransactionBlocks") }
      /// How many in a second and a half.
      func pace() -> Int {
        let before = polls()
        usleep(1_500_000)
        return polls() - before
      }
      // The first looks come at once.
      #expect(eventually { polls() > 1 })
      #expect(eventually { pace() <= 1 })
      let agent = PluginHost.Connection(id: "a", username: "agent")
      let anonymous = PluginHost.Connection(id: "b", username: nil)
      for connection in [agent, anonymous] { _ = host.connect(connection) }
      #expect(pace() <= 1)
      let johndoe = PluginHost.Connection(id: "c", username: "johndoe")
      _ = host.connect(johndoe)
      let before = polls()
      #expect(eventually(within: 10) { polls() > before + 4 })
      host.stop()
    }
    await market.tangle.stop()
  }
}

/// Payments from before the time that was looked at so far.
struct SinceTests {
  @Test func `since moved back has earlier payments read, and sold to`() async throws {
    let market = try await Market()
    try await onThread {
      let digest = try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      let text = PluginHost.configuration(market.settings)
      // Until the payment lies before the ledger's birth.
      usleep(100_000)
      let host = try PluginHost(text, tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(60_000, memo: #"{"username":"janedoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "janedoe") == success })
      #expect(host.read("sensor/live", username: "johndoe") != success)
      let since = Date(timeIntervalSinceNow: -60).formatted(.iso8601)
      try host.scratch.write(
        text.replacing("[access]", with: "since = \(since)\n[access]"), to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      host.tick()
      #expect(PluginHost.log(containing: digest.description).count == 1)
      host.stop()
      #expect(host.start() == success)
      #expect(host.read("sensor/live", username: "johndoe") == success)
      host.stop()
    }
    await market.tangle.stop()
  }
}

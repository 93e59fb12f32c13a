import CMosquittoPlugin
import DevTangle
import Foundation
import Ledger
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue
private let minuteMs: Int64 = 60_000
private let hourMs = 60 * minuteMs

/// Whose clock counts, and what a node does to it that lies.
struct ClockTests {
  /// A market whose tangle is so far from this machine's wall clock.
  private func market(aheadMs: Int64 = 0) async throws -> Market {
    var options = Market.fastOptions
    options.nowMs = { Int64(Date().timeIntervalSince1970 * 1000) + aheadMs }
    return try await Market(options)
  }

  /// A configuration with these nodes, in this order.
  private static func configuration(_ market: Market, _ nodes: [String]) -> String {
    PluginHost.configuration(market.settings)
      .replacing("nodes = [\"\(market.settings.node)\"]", with: "nodes = \(nodes)")
  }

  @Test(arguments: [-3 * hourMs, 3 * hourMs])
  func `a wall clock that is hours off opens and closes nothing, before a restart and after`(
    aheadMs: Int64
  ) async throws {
    let market = try await market(aheadMs: aheadMs)
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(1000, memo: #"{"username":"janedoe"}"#)
      try market.pay(600_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      #expect(eventually { host.read("sensor/live", username: "janedoe") != success })
      for _ in 1...3 {
        host.stop()
        #expect(host.start() == success)
        // From the first moment on.
        #expect(host.read("sensor/live", username: "johndoe") == success)
        #expect(host.read("sensor/live", username: "janedoe") != success)
      }
      let line = "5 minutes \(aheadMs > 0 ? "behind" : "ahead of") the tangle's"
      #expect(
        eventually {
          host.tick()
          return !PluginHost.log(containing: line).isEmpty
        })
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test(arguments: [-3 * hourMs, 3 * hourMs, 4 * minuteMs])
  func `a lying node beside an honest one neither opens nor closes`(lieMs: Int64) async throws {
    let market = try await market()
    let liar = try RelayNode(to: market.tangle.nodeURL)
    try await onThread {
      let configuration = Self.configuration(market, [liar.url, market.tangle.nodeURL])
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      let digest = try market.pay(1000, memo: #"{"username":"janedoe"}"#)
      try market.pay(600_000, memo: #"{"username":"johndoe"}"#)
      #expect(
        eventually {
          host.tick()
          return !PluginHost.log(containing: digest.description).isEmpty
        })
      #expect(eventually { Self.isOpenToJohnAlone(host) })
      liar.lie(byMs: lieMs)
      // A SIGHUP has the nodes asked anew, and often.
      #expect(host.reload() == success)
      let before = liar.count(of: "iota_getCheckpoint")
      var isSteady = true
      let isAsked = eventually {
        isSteady = isSteady && Self.isOpenToJohnAlone(host)
        return liar.count(of: "iota_getCheckpoint") > before + 8
      }
      #expect(isAsked)
      #expect(isSteady)
      host.stop()
      // Nor where it lies from the start on.
      #expect(host.start() == success)
      #expect(eventually { Self.isOpenToJohnAlone(host) })
      host.stop()
    }
    await market.tangle.stop()
  }

  private static func isOpenToJohnAlone(_ host: PluginHost) -> Bool {
    host.read("sensor/live", username: "johndoe") == success
      && host.read("sensor/live", username: "janedoe") != success
  }

  @Test func `a payment whose time is a lie does not move the clock`() async throws {
    let market = try await market()
    let liar = try RelayNode(to: market.tangle.nodeURL)
    try await onThread {
      let configuration = Self.configuration(market, [liar.url, market.tangle.nodeURL])
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(600_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      liar.lie(byMs: hourMs, aboutPayments: true)
      let digest = try market.pay(1000, memo: #"{"username":"janedoe"}"#)
      var isSteady = true
      let isRead = eventually {
        host.tick()
        isSteady = isSteady && host.read("sensor/live", username: "johndoe") == success
        return !PluginHost.log(containing: digest.description).isEmpty
      }
      #expect(isRead && isSteady)
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `one node alone is believed, and its lie ends when it is honest again`() async throws {
    let market = try await market()
    let node = try RelayNode(to: market.tangle.nodeURL)
    node.lie(byMs: 2 * hourMs)
    try await onThread {
      // To it the payment is two hours late, which would be made good.
      let text = Self.configuration(market, [node.url])
        .replacing("[access]", with: "[access]\nmake_good = false")
      let host = try PluginHost(text, tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      let digest = try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(
        eventually {
          host.tick()
          return !PluginHost.log(containing: digest.description).isEmpty
        })
      #expect(host.read("sensor/live", username: "johndoe") != success)
      node.lie(byMs: 0)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      host.stop()
    }
    await market.tangle.stop()
  }
}

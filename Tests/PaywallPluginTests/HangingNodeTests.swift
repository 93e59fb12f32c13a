import CMosquittoPlugin
import DevTangle
import Foundation
import Ledger
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue

/// What goes on while a node hangs.
struct HangingNodeTests {
  /// Half of what a request may take: the watcher would be busy with it for twice as long.
  private static let soonS = 5.0

  /// Runs a plugin whose node has just begun to hang, in the middle of a request.
  private func withHangingNode(
    _ body: @escaping @Sendable (PluginHost, RelayNode, Market) throws -> Void
  ) async throws {
    let market = try await Market()
    let node = try RelayNode(to: market.tangle.nodeURL)
    try await onThread {
      var settings = market.settings
      settings.node = node.url
      let host = try PluginHost(tangle: settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      node.hang()
      #expect(eventually { node.heldCount > 0 })
      try body(host, node, market)
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `what an admin grants and revokes takes effect meanwhile`() async throws {
    try await withHangingNode { host, node, _ in
      let admin = try AdminLedger(path: host.scratch.path("paywall.db"))
      let live = try #require(Name("live"))
      let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
      let span = Span(startsAtMs: nowMs - 10_000, endsAtMs: nowMs + 60_000)
      for name in ["friend", "jane", "joe"] {
        let account = try #require(Account(username: name))
        _ = try admin.grant(to: account, offer: live, span: span, note: nil, nowMs: nowMs)
        #expect(
          eventually(within: Self.soonS) { host.read("sensor/live", username: name) == success })
        _ = try admin.revoke(
          from: account, offer: live, fromMs: nowMs - 10_000, lengthMs: nil, note: nil,
          nowMs: nowMs)
        #expect(
          eventually(within: Self.soonS) { host.read("sensor/live", username: name) != success })
      }
      // The request was not given up for it.
      #expect(node.heldCount == 1)
    }
  }

  @Test func `a SIGHUP takes effect meanwhile, and payments are read again`() async throws {
    try await withHangingNode { host, node, market in
      var settings = market.settings
      settings.node = node.url
      for free in ["sensor/a", "sensor/b"] {
        try host.scratch.write(
          PluginHost.configuration(settings, free: free), to: "paywall.toml")
        let held = node.heldCount
        #expect(host.reload() == success)
        #expect(eventually(within: Self.soonS) { host.read(free, username: nil) == success })
        #expect(eventually { node.heldCount > held })
      }
      // To another node, while this one still hangs.
      try host.scratch.write(PluginHost.configuration(market.settings), to: "paywall.toml")
      #expect(host.reload() == success)
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      host.tick()
      #expect(
        PluginHost.log(containing: "\(host.configurationPath) was read again").count == 3)
    }
  }

  @Test func `a SIGHUP with a mistake goes on with the old node`() async throws {
    try await withHangingNode { host, node, market in
      try host.scratch.write("ledger = ", to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(
        eventually(within: Self.soonS) {
          host.tick()
          return !PluginHost.log(containing: "\(host.configurationPath):1").isEmpty
        })
      node.hang(false)
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
    }
  }
}

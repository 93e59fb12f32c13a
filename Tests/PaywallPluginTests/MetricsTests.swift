import CMosquittoPlugin
import DevTangle
import Foundation
import PaywallCore
import TestSupport
import Testing

@testable import PaywallPlugin

private let success = MOSQ_ERR_SUCCESS.rawValue
private let denied = MOSQ_ERR_ACL_DENIED.rawValue

/// The numbers on `$SYS/paywall/…`.
@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
  /// What has been told, the last of each topic.
  private final class Told {
    private let host: PluginHost
    private(set) var values: [String: String] = [:]
    /// How many messages there were, but for the lag, which changes by itself.
    private(set) var count = 0

    init(_ host: PluginHost) { self.host = host }

    func look() {
      for message in host.published() where Self.isNumber(message.topic) {
        #expect(message.isRetained && message.clientID == nil)
        values[String(message.topic.dropFirst(SystemTopic.root.utf8.count + 1))] = message.text
        if !message.topic.hasSuffix("sync/lag") { count += 1 }
      }
    }

    func awaits(_ name: String, _ value: String) -> Bool {
      eventually {
        look()
        return values[name] == value
      }
    }

    private static func isNumber(_ topic: String) -> Bool {
      topic.hasPrefix(SystemTopic.root + "/") && topic.dropFirst(13).contains("/")
    }
  }

  private func withPlugin(
    interval: String = "100ms", _ body: @escaping @Sendable (PluginHost, Market) throws -> Void
  ) async throws {
    let market = try await Market()
    let configuration = PluginHost.configuration(market.settings)
      .replacing(#"interval = "off""#, with: #"interval = "\#(interval)""#)
    try await onThread {
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      try body(host, market)
      #expect(host.stop() == success)
    }
    await market.tangle.stop()
  }

  @Test func `payments, revenue, accounts and deliveries are counted`() async throws {
    try await withPlugin { host, market in
      let told = Told(host)
      #expect(told.awaits("payments/confirmed", "0"))
      #expect(told.awaits("sync/lag", "0"))
      #expect(told.values["revenue/nanos"] == "0")
      #expect(told.values["accounts/active"] == "0")
      #expect(told.values["nodes/errors"] == "0")
      try market.pay(1000, memo: #"{"username":"short"}"#)
      try market.pay(3_600_000, memo: #"{"username":"johndoe"}"#)
      try market.pay(7, memo: #"{"username":"johndoe","offer":"none"}"#)
      #expect(told.awaits("payments/confirmed", "2"))
      #expect(told.awaits("payments/unclaimed", "1"))
      #expect(told.awaits("revenue/nanos", "3601007"))
      #expect(told.awaits("accounts/active", "1"), "the second's time has ended")
      #expect(told.values["payments/pending"] == "0")
      let (allowed, refused) = (told.values["deliveries/allowed"], told.values["deliveries/denied"])
      #expect(allowed == "0" && refused == "0")
      for _ in 0..<3 { #expect(host.read("sensor/live", username: "johndoe") == success) }
      for _ in 0..<2 { #expect(host.read("sensor/live", username: nil) == denied) }
      _ = host.read("elsewhere", username: nil)
      #expect(told.awaits("deliveries/allowed", "3"))
      #expect(told.awaits("deliveries/denied", "2"))
    }
  }

  @Test func `what has not changed is not told again`() async throws {
    try await withPlugin { host, market in
      let told = Told(host)
      #expect(told.awaits("payments/confirmed", "0"))
      let count = told.count
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(told.awaits("accounts/active", "1") && told.awaits("payments/confirmed", "1"))
      #expect(told.awaits("revenue/nanos", "60000"))
      #expect(told.count - count <= 5, "three numbers, and perhaps that one was pending")
      #expect(told.values["payments/pending"] == "0")
    }
  }

  @Test func `a node that fails is counted, and the lag grows`() async throws {
    try await withPlugin { host, market in
      let told = Told(host)
      #expect(told.awaits("sync/lag", "0"))
      try waiting { await market.tangle.stop() }
      #expect(
        eventually {
          told.look()
          return told.values["nodes/errors"].flatMap { Int($0) } ?? 0 > 0
        })
      #expect(
        eventually {
          told.look()
          return told.values["sync/lag"].flatMap { Int($0) } ?? 0 > 0
        })
    }
  }

  @Test func `only configured accounts may read them`() async throws {
    try await withPlugin { host, _ in
      for topic in ["revenue/nanos", "payments/confirmed", "deliveries/denied", "sync/lag"] {
        let topic = SystemTopic.root + "/" + topic
        #expect(host.read(topic, username: "agent") == success)
        for name in [nil, "johndoe", "buyer:agent", "0x" + String(repeating: "1", count: 64)] {
          #expect(host.read(topic, username: name) == denied)
        }
        #expect(host.check(MOSQ_ACL_WRITE, topic, username: "agent") == denied)
      }
    }
  }

  @Test func `a SIGHUP turns them on and off`() async throws {
    try await withPlugin(interval: "off") { host, market in
      #expect(host.awaitPublished(SystemTopic.offers) != nil)
      #expect(eventually { !PluginHost.log(containing: "payments go to").isEmpty })
      let text = PluginHost.configuration(market.settings)
      try text.replacing(#"interval = "off""#, with: #"interval = "100ms""#)
        .write(toFile: host.configurationPath, atomically: true, encoding: .utf8)
      #expect(host.reload() == success)
      let told = Told(host)
      #expect(told.awaits("payments/confirmed", "0"))
      // Whoever is a configured account since is told all of them.
      let count = told.count
      #expect(host.reload() == success)
      #expect(
        eventually {
          told.look()
          return told.count >= count + 8
        })
    }
  }
}

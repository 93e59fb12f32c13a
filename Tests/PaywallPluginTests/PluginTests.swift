import CMosquittoPlugin
import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import PaywallPlugin

private let success = MOSQ_ERR_SUCCESS.rawValue
private let denied = MOSQ_ERR_ACL_DENIED.rawValue
private let deferred = MOSQ_ERR_PLUGIN_DEFER.rawValue
private let refused = MOSQ_ERR_AUTH.rawValue

struct PluginTests {
  /// Runs a plugin in a fake broker, against a tangle, on one thread.
  private func withPlugin(
    _ market: Market, configuration: String? = nil,
    _ body: @escaping @Sendable (PluginHost) throws -> Void
  ) async throws {
    try await onThread {
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      weak let shared = host.plugin?.shared
      #expect(shared != nil)
      try body(host)
      let start = ContinuousClock.now
      #expect(host.stop() == success)
      #expect(ContinuousClock.now - start < .seconds(4))
      #expect(shared == nil, "nothing is left of a plugin that has stopped")
      #expect(host.callbackCount == 0)
    }
    await market.tangle.stop()
  }

  @Test func `speaks version 5 of the plugin interface`() {
    #expect(mosquitto_plugin_version(4, [5, 4, 3, 2]) == 5)
    #expect(mosquitto_plugin_version(3, [4, 3, 2]) == -1)
    #expect(mosquitto_plugin_version(0, nil) == -1)
  }

  @Test func `decides as the table of decisions says`() async throws {
    try await withPlugin(Market()) { host in
      #expect(host.read("sensor/1m", username: nil) == success)
      #expect(host.read("sensor/live", username: nil) == denied)
      #expect(host.read("sensor/live", username: "agent") == success)
      #expect(host.read("else", username: nil) == deferred)
      #expect(host.check(MOSQ_ACL_WRITE, "sensor/live", username: "agent") == success)
      #expect(host.check(MOSQ_ACL_WRITE, "sensor/live", username: "x") == denied)
      #expect(host.check(MOSQ_ACL_WRITE, "else", username: "x") == deferred)
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, "sensor/#", username: nil) == success)
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, "$share/g/sensor/#", username: nil) == denied)
      #expect(host.check(MOSQ_ACL_UNSUBSCRIBE, "sensor/live", username: nil) == success)
      #expect(host.check(99, "sensor/live", username: nil) == deferred)
      #expect(host.check(MOSQ_ACL_READ, nil, username: nil) == deferred)
      #expect(host.tick() == 100, "Mosquitto 2.1 is asked to come back in 100 ms")
    }
  }

  @Test func `a payment opens the topic, and the clock closes it`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: "johndoe") == success)
      #expect(host.read("sensor/live", username: "johndoe") == denied)
      let digest = try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      #expect(host.read("sensor/live", username: "jane") == denied)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == denied })
      host.tick()
      let lines = PluginHost.log(containing: digest.description)
      #expect(
        lines.contains { $0.contains("0.000006 IOTA for johndoe: 'live' until 20") }, "\(lines)")
    }
  }

  @Test func `a payment without a memo is the sender's, who logs in with a signature`() async throws
  {
    let market = try await Market()
    try await withPlugin(market) { host in
      let address = market.buyer.publicKey.address.description
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(60_000)
      #expect(eventually { host.read("sensor/live", username: address) == success })
      let expiryS = Int64(Date().timeIntervalSince1970) + 600
      let password = WalletLogin.password(
        key: market.buyer, realm: "plug.example", expiryS: expiryS)
      #expect(host.login(username: address, password: password).code == success)
      let shouted = "0x" + address.dropFirst(2).uppercased()
      let login = host.login(username: shouted, password: password)
      #expect(login == (success, address), "the name inside the broker is the one way to write it")
    }
  }

  @Test func `names that only we vouch for are refused without proof`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let address = market.buyer.publicKey.address.description
      let nowS = Int64(Date().timeIntervalSince1970)
      func password(_ realm: String, _ expiryS: Int64) -> String {
        WalletLogin.password(key: market.buyer, realm: realm, expiryS: expiryS)
      }
      let good = password("plug.example", nowS + 600)
      #expect(host.login(username: address, password: good).code == success)
      for bad in [
        nil, "", "secret", password("plug.example", nowS - 1),
        password("other.example", nowS + 600),
        password("plug.example", nowS + 31 * 86_400), good + "x",
        String(repeating: "x", count: 100_000),
      ] {
        #expect(host.login(username: address, password: bad).code == refused, "\(bad ?? "none")")
      }
      let other = PrivateKey().publicKey.address.description
      #expect(host.login(username: other, password: good).code == refused)
      #expect(host.login(username: "buyer:x", password: "secret").code == refused)
      #expect(host.login(username: "buyer:", password: nil).code == refused)
      #expect(host.login(username: "johndoe", password: "secret").code == deferred)
      #expect(host.login(username: nil, password: nil).code == deferred)
    }
  }

  @Test func `a SIGHUP keeps those who were let in`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let address = market.buyer.publicKey.address.description
      let old = WalletLogin.password(
        key: market.buyer, realm: "plug.example", expiryS: Int64(Date().timeIntervalSince1970) - 5)
      #expect(host.login(username: address, password: old).code == refused)
      #expect(host.reload() == success)
      #expect(host.login(username: address, password: old).code == success, "expired since")
      #expect(
        host.login(username: address, password: nil, address: nil, version: 0).code == success,
        "restored from disk")
      #expect(host.login(username: address, password: "x").code == refused)
      #expect(host.login(username: "buyer:x", password: nil).code == refused)
      host.tick()
      #expect(host.login(username: address, password: old).code == refused)
      #expect(host.login(username: address, password: nil, address: nil).code == refused)
    }
  }

  @Test func `a SIGHUP takes over a good file and leaves a bad one`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      try host.scratch.write(
        PluginHost.configuration(market.settings, free: "sensor/free"), to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(eventually { host.read("sensor/free", username: nil) == success })
      #expect(host.read("sensor/1m", username: nil) == deferred)

      try host.scratch.write("ledger = ", to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(
        eventually {
          host.tick()
          return !PluginHost.log(containing: "\(host.configurationPath):1").isEmpty
        })
      #expect(host.read("sensor/free", username: nil) == success)
    }
  }

  @Test func `an offer that is removed is honoured to its end`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(8000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      let text = PluginHost.configuration(market.settings, free: "now/free")
      try host.scratch.write(
        text.replacing("[[offer]]", with: "[[offer]]\nfrom = 2999-01-01T00:00:00Z")
          .replacing("\"live\"", with: "\"other\"").replacing("sensor/live", with: "else"),
        to: "paywall.toml")
      #expect(host.reload() == success)
      #expect(eventually { host.read("now/free", username: nil) == success })
      #expect(host.read("sensor/live", username: "johndoe") == success)
      #expect(host.read("sensor/live", username: "jane") == denied)
      #expect(eventually { host.read("sensor/live", username: "jane") == deferred })
    }
  }

  @Test func `calls from another thread touch nothing`() async throws {
    try await withPlugin(Market()) { host in
      nonisolated(unsafe) let host = host
      let done = DispatchSemaphore(value: 0)
      nonisolated(unsafe) var codes: [CInt] = []
      nonisolated(unsafe) var findCount = 0
      host.plugin?.findSession = { _ in
        findCount += 1
        return nil
      }
      Thread.detachNewThread {
        codes = [
          host.read("sensor/live", username: nil),
          host.login(username: "buyer:x", password: nil).code,
          host.connect(PluginHost.Connection(id: "one", username: "x"), password: "p"),
        ]
        done.signal()
      }
      done.wait()
      #expect(codes == [deferred, refused, deferred])
      #expect(findCount == 0 && host.plugin?.connections.count == 0)
    }
  }

  @Test func `a restart keeps what was bought, and counts no payment twice`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      let digest = try market.pay(30_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      host.stop()
      #expect(host.start() == success)
      #expect(host.read("sensor/live", username: "johndoe") == success, "at once")
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(30_000, memo: #"{"username":"jane"}"#)
      #expect(eventually { host.read("sensor/live", username: "jane") == success })
      host.tick()
      #expect(
        PluginHost.log(containing: digest.description).filter { $0.contains("until") }.count == 1)
    }
  }
}

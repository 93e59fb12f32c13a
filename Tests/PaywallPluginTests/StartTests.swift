import CMosquittoPlugin
import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import PaywallPlugin
import TestSupport
import Testing

/// What an admin has to mend stops the broker, with one sentence that says what to change.
struct StartTests {
  private static let seller = PrivateKey().publicKey.address
  /// A node that is down: nobody listens on port 9.
  private static let down = PluginHost.Tangle(
    node: "http://127.0.0.1:9/SECRETTOKEN", network: "69a2bc64", seller: seller)

  /// Starts a plugin that must not start.
  ///
  /// - Returns: What it has logged.
  private func refusal(
    _ change: @escaping @Sendable (PluginHost) throws -> Void, option: String = "config_file",
    value: String? = nil,
    marker: @escaping @Sendable (PluginHost) -> String = { $0.scratch.url.path }
  ) async throws -> String {
    try await onThread {
      let host = try PluginHost(tangle: Self.down)
      try change(host)
      #expect(host.start(option: option, value: value) != success)
      #expect(host.callbackCount == 0)
      let lines = PluginHost.log(containing: marker(host))
      #expect(lines.count == 1, "\(lines)")
      #expect(lines.allSatisfy { !$0.contains("SECRETTOKEN") })
      return lines.first ?? ""
    }
  }

  private let success = MOSQ_ERR_SUCCESS.rawValue

  @Test func `no configuration`() async throws {
    let line = try await refusal(
      { _ in }, option: "confg_file", marker: { _ in "plugin_opt_config_file /etc" })
    #expect(line.contains("no configuration; add a line to mosquitto.conf"))
  }

  @Test func `a configuration that is not there`() async throws {
    let line = try await refusal {
      try FileManager.default.removeItem(atPath: $0.configurationPath)
    }
    #expect(line.contains("cannot be read (No such file or directory)"))
  }

  @Test func `a configuration that is a folder`() async throws {
    let line = try await refusal { host in
      try FileManager.default.removeItem(atPath: host.configurationPath)
      try FileManager.default.createDirectory(
        atPath: host.configurationPath, withIntermediateDirectories: false)
    }
    #expect(line.contains("has to name a file"))
  }

  @Test func `a wrong key`() async throws {
    let text = PluginHost.configuration(Self.down).replacing("price =", with: "prise =")
    let line = try await refusal { try $0.scratch.write(text, to: "paywall.toml") }
    #expect(line.contains("paywall.toml:17: offer.price: is missing"))
  }

  @Test func `a malformed address`() async throws {
    let text = PluginHost.configuration(Self.down)
      .replacing(Self.seller.description, with: "iota1qq")
    let line = try await refusal { try $0.scratch.write(text, to: "paywall.toml") }
    #expect(line.contains("paywall.toml:7: tangle.address: 'iota1qq' is no IOTA address"))
  }

  @Test func `a folder that is not there`() async throws {
    let text = PluginHost.configuration(Self.down).replacing("paywall.db", with: "none/paywall.db")
    let line = try await refusal { try $0.scratch.write(text, to: "paywall.toml") }
    #expect(line.contains("none/paywall.db: its folder cannot be written"))
    #expect(line.contains("chown mosquitto:"))
  }

  @Test func `a ledger that is none`() async throws {
    let line = try await refusal {
      try $0.scratch.write(String(repeating: "x", count: 5000), to: "paywall.db")
    }
    #expect(line.contains("damaged or no ledger"))
  }

  @Test func `a secret that others can read`() async throws {
    let line = try await refusal { host in
      try host.scratch.write(String(repeating: "ab", count: 32), to: "paywall.key")
      chmod(host.scratch.path("paywall.key"), 0o644)
    }
    #expect(line.contains("chmod 600"))
    #expect(!line.contains("abab"))
  }

  @Test func `a secret that is none`() async throws {
    let line = try await refusal { host in
      try host.scratch.write("hunter2hunter2", to: "paywall.key")
      chmod(host.scratch.path("paywall.key"), 0o600)
    }
    #expect(line.contains("does not hold 64 hexadecimal digits"))
    #expect(!line.contains("hunter2"))
  }

  @Test func `a secret that is gone, or another`() async throws {
    try await onThread {
      let host = try PluginHost(tangle: Self.down)
      #expect(host.start() == success)
      #expect(host.start() != success, "twice over one ledger")
      #expect(
        PluginHost.log(containing: host.scratch.url.path).last?.contains("of its own") == true)
    }
    for another in [nil, String(repeating: "ab", count: 32)] {
      try await onThread {
        let host = try PluginHost(tangle: Self.down)
        #expect(host.start() == success)
        host.stop()
        unlink(host.scratch.path("paywall.key"))
        if let another {
          try host.scratch.write(another, to: "paywall.key")
          chmod(host.scratch.path("paywall.key"), 0o600)
        }
        #expect(host.start() != success)
        let line = PluginHost.log(containing: host.scratch.url.path).last ?? ""
        #expect(line.contains(another == nil ? "put it back" : "another secret_file"), "\(line)")
      }
    }
  }

  @Test func `a node of another network`() async throws {
    let tangle = try await DevTangle.start()
    try await onThread {
      let settings = PluginHost.Tangle(
        node: tangle.nodeURL + "/SECRETTOKEN", network: "6364aad5", seller: Self.seller)
      let host = try PluginHost(tangle: settings)
      #expect(host.start() != success)
      #expect(host.callbackCount == 0)
      let lines = PluginHost.log(containing: tangle.chainIdentifier)
      #expect(lines.contains { $0.contains("this node is of network") }, "\(lines)")
      #expect(lines.allSatisfy { !$0.contains("SECRETTOKEN") })
    }
    await tangle.stop()
  }

  @Test func `a node that is down is only worth a warning`() async throws {
    let market = try await Market()
    await market.tangle.goDown()
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == success)
      host.tick()
      let port = market.tangle.nodeURL.split(separator: ":").last.map { ":\($0)" } ?? ""
      #expect(
        PluginHost.log(containing: port).contains { $0.contains("payments cannot be read yet") })
      #expect(host.read("sensor/live", username: nil) == MOSQ_ERR_ACL_DENIED.rawValue)
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil) == success)
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `a node that hangs holds up neither start nor stop`() async throws {
    let market = try await Market()
    try await market.tangle.setFaults([Fault(.slow, value: 60_000)])
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      let start = ContinuousClock.now
      #expect(host.start() == success)
      #expect(ContinuousClock.now - start < .seconds(8))
      let stop = ContinuousClock.now
      host.stop()
      #expect(ContinuousClock.now - stop < .seconds(4))
    }
    await market.tangle.stop()
  }

  @Test func `cleanup after a failed init is harmless`() {
    #expect(mosquitto_plugin_cleanup(nil, nil, 0) == success)
  }
}

import CMosquittoPlugin
import DevTangle
import Foundation
import PaywallCore
import Synchronization
import TestSupport
import Testing
import Wallet

private let success = MOSQ_ERR_SUCCESS.rawValue

/// What the plugin makes good, and gives before a payment is in a checkpoint.
struct LossTests {
  /// A clock of the tangle that can be put forward.
  private final class Ahead: Sendable {
    private let ms = Mutex<Int64>(0)

    var nowMs: Int64 { Int64(Date().timeIntervalSince1970 * 1000) + ms.withLock { $0 } }

    func forward(byMs: Int64) { ms.withLock { $0 += byMs } }
  }

  private static let countOfOutages =
    "SELECT count(*) FROM grants WHERE note GLOB '* passed while the broker was down, *'"

  private func lines(_ host: PluginHost, _ text: String) -> [String] {
    host.tick()
    return PluginHost.log(containing: text)
  }

  @Test func `what ran while the broker was down is made good, and so is a payment made meanwhile`()
    async throws
  {
    let ahead = Ahead()
    var options = Market.fastOptions
    options.nowMs = { ahead.nowMs }
    let market = try await Market(options)
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(300_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      host.stop()
      let late = try market.pay(20_000, memo: #"{"username":"janedoe"}"#)
      ahead.forward(byMs: 60_000)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      #expect(eventually { !lines(host, "1 account is given anew what ran meanwhile").isEmpty })
      // All that was bought has passed; what is made good runs.
      #expect(eventually { host.read("sensor/live", username: "janedoe") == success })
      #expect(
        lines(host, late.description).contains {
          $0.contains("; 20s of it had passed when it became known, and is made good until ")
        })
      host.stop()
      // A restart is no outage.
      #expect(host.start() == success)
      #expect(host.read("sensor/live", username: "janedoe") == success)
      let shell = Shell(path: host.scratch.path("paywall.db"))
      #expect(try shell.answer(Self.countOfOutages) == "1")
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `a run without any node is no outage, though its time shows only later`()
    async throws
  {
    let ahead = Ahead()
    var options = Market.fastOptions
    options.nowMs = { ahead.nowMs }
    let market = try await Market(options)
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == success)
      try market.pay(300_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      host.stop()
      // As if all of that had begun a minute earlier, so that what is lost counts.
      let shell = Shell(path: host.scratch.path("paywall.db"))
      try shell.run(
        """
        UPDATE meta SET value = value - 60000 WHERE key = 'alive_at';
        UPDATE payments SET seen_at = seen_at - 60000;
        UPDATE grants SET starts_at = starts_at - 60000;
        """)
      let reached = try String(contentsOfFile: host.configurationPath, encoding: .utf8)
      let unreached = reached.replacing(market.settings.node, with: "http://127.0.0.1:1/untold")
      try host.scratch.write(unreached, to: "paywall.toml")
      #expect(host.start() == success)
      #expect(eventually { !lines(host, "127.0.0.1:1/…: cannot connect").isEmpty })
      #expect(host.read("sensor/live", username: "johndoe") == success)
      #expect(try shell.answer(Self.countOfOutages) == "0")
      host.stop()
      let run = try shell.answer("SELECT value FROM meta WHERE key GLOB 'untold_run_*'")
      #expect(!run.isEmpty)
      try host.scratch.write(reached, to: "paywall.toml")
      // What a node tells is late, and may be later than the time before.
      ahead.forward(byMs: -1000)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      // Before the run, and after it.
      #expect(try eventually { try shell.answer(Self.countOfOutages) == "2" })
      #expect(try shell.answer("SELECT count(*) FROM meta WHERE key GLOB 'untold_run_*'") == "0")
      host.stop()
    }
    await market.tangle.stop()
  }

  @Test func `a pending payment gives access at once, where the seller allows it`() async throws {
    var options = Market.fastOptions
    options.checkpointMs = 3_600_000
    let market = try await Market(options)
    try await onThread {
      let text = PluginHost.configuration(market.settings)
        .replacing("[access]", with: "[access]\nprovisional = \"2s\"")
      let host = try PluginHost(text, tangle: market.settings)
      #expect(host.start() == success)
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      let payer = Payer(node: Node(url: market.tangle.nodeURL), key: market.buyer)
      let order = PaymentOrder(
        to: market.seller, amountNanos: 60_000,
        memo: try PaymentMemo(json: #"{"username":"johndoe"}"#))
      _ = try payer.execute(payer.prepare(order))
      #expect(eventually { host.read("sensor/live", username: "johndoe") == success })
      #expect(lines(host, "is pending, and gives access until").count == 1)
      // It is in no checkpoint in time, and begins no second time.
      #expect(eventually { host.read("sensor/live", username: "johndoe") != success })
      host.stop()
      #expect(host.start() == success)
      #expect(host.read("sensor/live", username: "johndoe") != success)
      host.stop()
    }
    await market.tangle.stop()
  }
}

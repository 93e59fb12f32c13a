import CMosquittoPlugin
import DevTangle
import Foundation
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue

/// A plugin that reads payments through a node that can be told to misbehave.
final class OddShop {
  /// A secret in the node's URL.
  static let key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

  let market: Market
  let node: OddNode
  let host: PluginHost

  private init(_ market: Market, _ node: OddNode, more: String) throws {
    self.market = market
    self.node = node
    var settings = market.settings
    settings.node = node.url("/rpc/\(Self.key)")
    host = try PluginHost(
      PluginHost.configuration(settings).replacing("[access]", with: "\(more)\n[access]"),
      tangle: settings)
  }

  /// Runs the body beside a plugin that is started already, or that the body starts; `more` are
  /// lines of the configuration's `[tangle]`.
  static func open(
    _ options: DevTangle.Options = Market.fastOptions, isStarted: Bool = true, more: String = "",
    _ body: @escaping @Sendable (OddShop) throws -> Void
  ) async throws {
    await Places.shared.take()
    defer { Task { await Places.shared.giveBack() } }
    let market = try await Market(options)
    let node = try OddNode(to: market.tangle.nodeURL)
    do {
      try await onThread {
        let shop = try OddShop(market, node, more: more)
        if isStarted { shop.start() }
        try body(shop)
        shop.stop()
      }
    } catch {
      await market.tangle.stop()
      throw error
    }
    await market.tangle.stop()
  }

  /// Starts the plugin, and lets somebody wait for a payment.
  func start() {
    let began = ContinuousClock.now
    #expect(host.start() == success)
    #expect(ContinuousClock.now - began < .seconds(8))
    _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
  }

  /// Stops the plugin, which takes less than a second, and more where many tests run at once; but
  /// never the 10 s that a request may take.
  func stop() {
    let began = ContinuousClock.now
    host.stop()
    #expect(ContinuousClock.now - began < .seconds(4))
  }

  /// Pays for somebody's next hour, at the tangle itself.
  @discardableResult
  func pay(for name: String) throws -> Digest {
    let (tangle, seller, buyer) = (market.tangle, market.seller, market.buyer)
    return try waiting {
      try await tangle.pay(
        3_600_000, to: seller, by: buyer, memo: Array(#"{"username":"\#(name)"}"#.utf8))
    }
  }

  /// Whether somebody may read what is sold.
  func isOpen(to name: String) -> Bool {
    host.read("sensor/live", username: name) == success
  }

  /// The warnings about the node in the broker's log.
  var lines: [String] {
    host.tick()
    return PluginHost.warnings(containing: ":\(node.port)/")
  }

  /// The lines of the broker's log that hold a text.
  func logLines(containing text: String) -> [String] {
    host.tick()
    return PluginHost.log(containing: text)
  }

  /// How often the log says that a payment counts; before, it may say that it is pending.
  func countings(of payment: Digest) -> Int {
    logLines(containing: "payment \(payment)").count { !$0.contains("is pending") }
  }

  /// The first column of what the ledger answers.
  func rows(_ sql: String) throws -> [String] {
    let process = Subprocess()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "sqlite3", "-batch", "-cmd", ".timeout 5000", host.scratch.path("paywall.db"), sql,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let answer = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(sql)")
    return String(decoding: answer, as: UTF8.self).split(separator: "\n").map { String($0) }
  }

  /// The payments in the ledger that are final.
  func recorded() throws -> [String] {
    try rows("SELECT digest FROM payments WHERE state <> 'pending' ORDER BY digest")
  }

  /// Waits for something while what the broker asks is answered at once, the reader reads, who has
  /// bought, and the other does not, of whose payment nobody can know yet.
  func eventually(
    within timeoutS: Double = 30, reader: String, other: String, _ condition: () throws -> Bool
  ) rethrows -> Bool {
    var odd: String?
    let isMet = try TestSupport.eventually(within: timeoutS) {
      let began = ContinuousClock.now
      host.tick()
      if !isOpen(to: reader) { odd = odd ?? "the reader is shut out" }
      if isOpen(to: other) { odd = odd ?? "who has not paid reads" }
      let took = ContinuousClock.now - began
      if took >= .seconds(4) { odd = odd ?? "the broker waited \(took)" }
      return try condition()
    }
    #expect(odd == nil)
    return isMet && odd == nil
  }
}

/// How many shops are open at once: their polls are not to keep the other tests from their work.
private actor Places {
  static let shared = Places()

  private var freeCount = 5
  private var queue: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if freeCount > 0 {
      freeCount -= 1
    } else {
      await withCheckedContinuation { queue.append($0) }
    }
  }

  func giveBack() {
    if queue.isEmpty {
      freeCount += 1
    } else {
      queue.removeFirst().resume()
    }
  }
}

import Access
import CMosquittoPlugin
import FakeBroker
import Glibc
import Ledger
import PaywallCore
import PaywallPlugin

/// One READ as the broker asks: the plugin's own ACL_CHECK, registered in a fake broker, with access
/// that payments in its ledger have bought.
enum CallbackBench {
  private static let askCount = 1 << 12
  private static let network = "6364aad5"
  /// Not zeros: the plugin refuses the address of the example.
  private static let seller = Address("0x" + String(repeating: "5e", count: 32)) ?? Address(.zero)

  static func run() {
    for (buyers, offers) in [(1, 1), (1000, 1000)] {
      let world = World(buyers: buyers, offers: offers, kind: .wildcard)
      do {
        try measure(world)
      } catch {
        print("access-bench: \(error)")
        exit(1)
      }
    }
  }

  private static func measure(_ world: World) throws {
    let folder = try Folder()
    let configuration = folder.path("paywall.toml")
    try folder.write(text(world), to: configuration)
    // Once to make the ledger with its offers, then with what was bought.
    try PluginInstance(configuration).stop()
    try fill(folder.path("paywall.db"), world)
    let plugin = try PluginInstance(configuration)
    defer { plugin.stop() }
    for decision in [Decision.allow, .deny] { measure(world, plugin, decision) }
  }

  private static func measure(_ world: World, _ plugin: PluginInstance, _ decision: Decision) {
    let asks = world.asks(askCount, decision)
    defer { asks.release() }
    let code = decision == .allow ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED
    var client = mosquitto()
    var event = mosquitto_evt_acl_check()
    event.access = MOSQ_ACL_READ
    var wrong = 0
    func askAll() {
      withUnsafeMutablePointer(to: &client) { client in
        event.client = client
        for ask in asks.all {
          client.pointee.username = ask.username
          event.topic = ask.topic
          if plugin.check(&event) != CInt(code.rawValue) { wrong += 1 }
        }
      }
    }
    askAll()
    let time = Measure.each(of: askCount, askAll)
    Measure.require(wrong == 0, "\(wrong) wrong decisions of the plugin")
    Measure.report([
      "bench": "callback", "buyers": world.buyers, "offers": world.offers,
      "kind": world.kind.rawValue, "decision": "\(decision)", "ns": time.median,
      "best_ns": time.best,
    ])
  }

  private static func text(_ world: World) -> String {
    let offers = (0..<world.offers).map { offer in
      """
      [[offer]]
      name = "o\(offer)"
      topics = ["\(world.filter(offer))"]
      price = "1 nanos"
      per = "1h"

      """
    }
    return """
      ledger = "paywall.db"
      secret_file = "paywall.key"
      realm = "bench"
      [tangle]
      nodes = ["http://127.0.0.1:1"]
      network = "\(network)"
      address = "\(seller)"
      since = 2020-01-01T00:00:00Z
      [access]
      free = ["free/#"]

      """ + offers.joined()
  }

  /// Records a payment of each buyer, an hour ago, for a year.
  private static func fill(_ path: String, _ world: World) throws {
    let nowMs = Int64(time(nil)) * 1000
    let ledger = try Ledger(path: path, nowMs: nowMs)
    defer { ledger.close() }
    let versions = try ledger.storedOffers().map(\.offer)
    let checkpoint = Checkpoint(sequence: 1, timeMs: nowMs - 3_600_000)
    let payments = (0..<world.buyers).compactMap { buyer -> Payment? in
      var number = SplitMix64(seed: UInt64(buyer))
      let bytes = (0..<32).map { _ in UInt8(truncatingIfNeeded: number.next()) }
      let memo = Memo.Content.plain(
        username: Array(world.name(buyer).utf8),
        offer: Array("o\(buyer % world.offers)".utf8))
      return Digest(bytes: bytes).map { digest in
        Payment(
          digest: digest, payer: seller, amount: 8766, memo: Memo(content: memo, text: nil),
          checkpoint: checkpoint)
      }
    }
    let position = ReadingPosition(checkpoint: 1, sinceMs: checkpoint.timeMs)
    _ = try ledger.record(
      PaymentPage(payments: payments, position: position), network: network, address: seller,
      offers: OfferHistory(versions: versions), nowMs: nowMs)
  }
}

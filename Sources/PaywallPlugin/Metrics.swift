import Ledger
import PaywallCore

/// What configured accounts are told in `$SYS/paywall`, a number a topic, as Mosquitto tells its own.
struct Metrics: Sendable {
  let totals: LedgerTotals
  /// How long ago all that the nodes know was recorded, in milliseconds; nil: never yet.
  let lagMs: Int64?
  let nodeErrors: Int

  /// The topics and their payloads.
  ///
  /// - Parameter deliveries: What has been decided of deliveries; the main thread counts it.
  /// - Returns: In no certain order.
  func messages(_ deliveries: DeliveryCounts) -> [(topic: String, payload: String)] {
    var messages = [
      ("payments/confirmed", "\(totals.confirmedCount)"),
      ("payments/pending", "\(totals.pendingCount)"),
      ("payments/unclaimed", "\(totals.unclaimedCount)"),
      ("revenue/nanos", "\(totals.revenue)"),
      ("accounts/active", "\(totals.activeAccountCount)"),
      ("deliveries/allowed", "\(deliveries.allowed)"),
      ("deliveries/denied", "\(deliveries.denied)"),
      ("nodes/errors", "\(nodeErrors)"),
    ]
    if let lagMs { messages.append(("sync/lag", "\(lagMs / 1000)")) }
    return messages.map { (SystemTopic.root + "/" + $0, $1) }
  }
}

/// What has been decided of deliveries since the start; what was left to other rules is not counted.
struct DeliveryCounts: BitwiseCopyable {
  var allowed: UInt64 = 0
  var denied: UInt64 = 0
}

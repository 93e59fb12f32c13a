import GRDB
import PaywallCore

@testable import Ledger

/// What is looked at when a history is complete, and in between.
extension World {
  /// A fresh ledger that reads the history in its order comes out the same.
  func checkRebuilt() throws {
    guard let plugin else { return }
    let rows = try LedgerRows(plugin.ledger)
    let path = "\(folder)/rebuilt-\(number(0...Int.max)).db"
    let ledger = try Ledger(path: path, nowMs: time.tangleMs)
    defer { ledger.close() }
    try ledger.read { try $0.execute(sql: "PRAGMA synchronous = OFF") }
    let history = try ledger.adopt(
      offers.versions.enumerated().compactMap { number, version in
        guard let name = Name(version.terms.name) else { return nil }
        let offer = Offer(
          name: name, topics: version.terms.topics.compactMap { TopicFilter($0) },
          price: version.terms.price, perMs: version.terms.perMs,
          minimumMs: version.terms.minimumMs, clients: version.terms.clients,
          validFromMs: version.fromMs,
          validUntilMs: version.untilMs)
        return Ledger.StoredOffer(id: Int64(number + 1), offer: offer)
      })
    let payments = known.map { tangle[$0].payment(isFinal: true) }.sorted {
      ($0.checkpoint?.sequence ?? 0, $0.digest) < ($1.checkpoint?.sequence ?? 0, $1.digest)
    }
    _ = try ledger.record(
      PaymentPage(
        payments: payments, position: ReadingPosition(checkpoint: nil, sinceMs: sinceMs)),
      network: "n", address: SimulatedPlugin.address, offers: history, nowMs: time.tangleMs,
      open: PlainTransaction.open)
    let rebuilt = try LedgerRows(ledger)
    guard rows.bought == rebuilt.bought else {
      throw BrokenPromise(
        .history, "bought is \(rows.bought), and \(rebuilt.bought) in a fresh ledger")
    }
    try compare(.history, "credits", rows.credits, rebuilt.credits)
    try compare(.history, "payments", rows.payments, rebuilt.payments)
  }

  /// Everybody got what was bought, no more and no less.
  func checkTimeAccount() throws {
    guard makesGood, !account.isUnclear, let plugin else { return }
    let nowMs = plugin.nowMs(time)
    let history = PlainHistory(known.map { tangle[$0] }, offers)
    let bought = Dictionary(grouping: history.bought) { "\($0.account)|\($0.version.terms.name)" }
    for (key, purchases) in bought where !account.unclear.contains(purchases[0].account) {
      let boughtMs = purchases.reduce(0) { $0 + $1.endsAtMs - $1.startsAtMs }
      let leftMs = TimeAccount.length(spans[key] ?? [], fromMs: nowMs, untilMs: .max)
      let gotMs = account.deliveredMs[key, default: 0] + leftMs
      guard gotMs < boughtMs - account.lessMs || gotMs > boughtMs + account.moreMs else {
        continue
      }
      throw BrokenPromise(
        .time,
        "\(key) has bought \(boughtMs) ms, and got \(gotMs) ms "
          + "(-\(account.lessMs), +\(account.moreMs)): \(spans[key] ?? [])")
    }
  }
}

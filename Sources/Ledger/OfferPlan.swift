import Foundation
import GRDB
import PaywallCore

/// What taking over the offers of a configuration would make of those of a ledger.
struct OfferPlan {
  /// What the ledger holds.
  let stored: OfferHistory
  /// What it would hold.
  private(set) var history: OfferHistory
  /// From when the first offers have held so far, in Unix milliseconds.
  let formerMs: Int64
  /// The versions that would hold from an earlier time, as they are.
  let moved: [Offer]

  /// The plan; it changes nothing.
  ///
  /// - Throws: As `Ledger.apply`.
  init(
    _ entries: [OfferEntry], nowMs: Int64, firstFromMs: Int64, _ connection: Connection
  ) throws {
    let path = connection.path
    let known = try connection.read { db in
      (
        offers: try Ledger.storedOffers(db, path: path),
        fromMs: try Ledger.meta("offers_from", db).flatMap(Int64.init)
      )
    }
    stored = OfferHistory(versions: known.offers.map(\.offer))
    history = stored
    formerMs = known.fromMs ?? stored.versions.map(\.validFromMs).min() ?? firstFromMs
    moved = history.extend(backTo: firstFromMs, from: formerMs, entries)
    try Self.checkNothingCounted(
      fromMs: firstFromMs, untilMs: moved.isEmpty ? firstFromMs : formerMs, connection)
    try history.apply(entries, nowMs: nowMs, firstFromMs: firstFromMs)
  }

  /// Refuses to sell in a time whose payments were judged without these offers.
  private static func checkNothingCounted(
    fromMs: Int64, untilMs: Int64, _ connection: Connection
  ) throws(LedgerError) {
    let latestMs = try connection.read { db in
      try Prepared(
        """
        SELECT max(paid_at) FROM payments
        WHERE paid_at >= ? AND paid_at < ? AND state IN ('confirmed', 'unclaimed')
        """, db
      ).first(.integer(fromMs), .integer(untilMs)) { $0.integer(0) }
    }
    guard let latestMs else { return }
    throw LedgerError(
      code: .invalid, path: connection.path,
      reason: "'since' cannot move back before payments that were counted already, the last at "
        + "\(moment(latestMs)); give it a later time, or leave it as it was")
  }

  private static func moment(_ timeMs: Int64) -> String {
    Date(timeIntervalSince1970: Double(timeMs / 1000)).formatted(.iso8601)
  }
}

import Foundation
import GRDB
import PaywallCore

/// Time that an account bought and could not use, and that it gets anew: grants of the kind
/// `made_good`.
///
/// They hold after all that the account has bought of the offer, and move behind what it buys while
/// they still run, so that they come in addition. Bought time counts none of this: it stays the same
/// on every broker.
struct Loss {
  /// Payments become known a few seconds late at most, and a restart takes no longer; nothing of that
  /// is made good.
  static let ordinaryDelayMs: Int64 = 10_000

  let purchase: Purchase
  let versions: OfferVersions
  let nowMs: Int64
  let db: Database

  private var account: Prepared.Value { .bytes(purchase.account) }
  private var offer: Prepared.Value { .bytes(purchase.offer.bytes) }

  /// A row of `grants`, by its payment.
  private struct Row {
    var id: Int64
    var grant: Grant
    var payment: String?
  }

  // MARK: - Payments that became known late

  /// Makes good what had passed of bought time when its payment became known.
  ///
  /// That is the access that there is in the past now, less what there was before the payments were
  /// counted: what was granted otherwise, provisionally too, was not lost, nor what was revoked.
  ///
  /// - Parameters:
  ///   - changes: What payments buy now.
  ///   - sinceMs: Earlier payments are left aside, in Unix milliseconds.
  ///   - newOnly: Only these payments lost anything; nil: all may have.
  /// - Returns: What was given, by payment.
  /// - Throws: `DatabaseError`.
  func makeGood(
    _ changes: [Fold.Change], paidSinceMs sinceMs: Int64, only newOnly: Set<Digest>? = nil
  ) throws -> [Digest: Span] {
    let late = changes.filter { change in
      if let newOnly, !newOnly.contains(change.payment.entry.digest) { return false }
      let paidAtMs = change.payment.entry.checkpoint.timeMs
      let (delayMs, overflow) = nowMs.subtractingReportingOverflow(paidAtMs)
      return paidAtMs >= sinceMs && !overflow && delayMs > Self.ordinaryDelayMs
        && passedMs(change.after) > passedMs(change.before)
    }
    let starts = changes.flatMap { [$0.before?.startsAtMs, $0.after?.startsAtMs] }
    guard let firstMs = starts.compactMap(\.self).min(), !late.isEmpty else { return [:] }
    var leftMs = try lostMs(changes, sinceMs: firstMs)
    var given: [Digest: Span] = [:]
    for change in late {
      let lostMs = min(leftMs, passedMs(change.after) - passedMs(change.before))
      guard lostMs > 0 else { continue }
      leftMs -= lostMs
      given[change.payment.entry.digest] = try give(
        lostMs, for: change.payment.digest, version: versions.row(of: change.version),
        note: "\(Self.length(lostMs)) had passed when the payment became known")
    }
    return given
  }

  /// How much of a span lies in the past.
  private func passedMs(_ span: Span?) -> Int64 {
    guard let span, span.startsAtMs < nowMs else { return 0 }
    let (length, overflow) = min(span.endsAtMs, nowMs)
      .subtractingReportingOverflow(span.startsAtMs)
    return overflow ? .max : max(0, length)
  }

  /// How much more access there is in the past than there was before some changes.
  private func lostMs(_ changes: [Fold.Change], sinceMs: Int64) throws -> Int64 {
    let rows = try rows(endingAfterMs: sinceMs)
    let changed = Set(changes.map(\.payment.digest))
    let others = rows.filter { row in
      // What makes good another loss is no part of this purchase, though it ran at the same time.
      row.grant.kind != .madeGood
        && !(row.grant.kind == .bought && row.payment.map(changed.contains) == true)
    }.map(\.grant)
    func passed(_ bought: [Span]) -> Int64 {
      Grant.access(others + bought.map { Grant(kind: .bought, span: $0) })
        .reduce(0) { Self.sum($0, passedMs($1)) }
    }
    return passed(changes.compactMap(\.after)) - passed(changes.compactMap(\.before))
  }

  // MARK: - Outages

  /// Makes good what this account bought and what passed while the broker was down.
  ///
  /// - Parameters:
  ///   - outage: From when to when.
  ///   - sinceMs: Earlier payments are left aside, in Unix milliseconds.
  /// - Returns: How much was given, in milliseconds.
  /// - Throws: `DatabaseError`.
  func makeGood(_ outage: Span, paidSinceMs sinceMs: Int64) throws -> Int64 {
    let rows = try rows(endingAfterMs: outage.startsAtMs)
    let revoked = rows.map(\.grant).filter { $0.kind == .revoked }
    var givenMs: Int64 = 0
    for row in rows where row.grant.kind == .bought || row.grant.kind == .madeGood {
      guard let payment = row.payment,
        let seenAtMs = try seenAtMs(payment, paidSinceMs: sinceMs)
      else { continue }
      // What was lost before was made good when the payment became known.
      let start = max(row.grant.span.startsAtMs, outage.startsAtMs, seenAtMs)
      let end = min(row.grant.span.endsAtMs, outage.endsAtMs)
      guard start < end else { continue }
      let span = Span(startsAtMs: start, endsAtMs: end)
      let lostMs = Grant.access(revoked + [Grant(kind: .bought, span: span)])
        .reduce(0) { $0 + ($1.endsAtMs - $1.startsAtMs) }
      guard lostMs > 0 else { continue }
      let version = try Prepared("SELECT version FROM grants WHERE id = ?", db)
        .first(.integer(row.id)) { $0.integer(0) }
      _ = try give(
        lostMs, for: payment, version: version,
        note: "\(Self.length(lostMs)) passed while the broker was down, "
          + "from \(Self.moment(outage.startsAtMs)) to \(Self.moment(outage.endsAtMs))")
      givenMs = Self.sum(givenMs, lostMs)
    }
    return givenMs
  }

  /// When a payment of this account became known; nil where it was made before a time, or is the
  /// account's no more, as where a name has changed hands.
  private func seenAtMs(_ payment: String, paidSinceMs: Int64) throws -> Int64? {
    try Prepared(
      "SELECT seen_at FROM payments WHERE digest = ? AND paid_at >= ? AND account = ?", db
    ).first(.text(payment), .integer(paidSinceMs), account) { $0.integer(0) } ?? nil
  }

  // MARK: - Rows

  /// Has what was made good, and still runs, go on behind what is bought now.
  ///
  /// - Returns: Whether anything was moved.
  func putBehind(_ bought: [Span]) throws -> Bool {
    var isMoved = false
    let rows = try rows(endingAfterMs: nowMs)
    let revoked = rows.map(\.grant).filter { $0.kind == .revoked }
    for row in rows where row.grant.kind == .madeGood {
      let left = Span(
        startsAtMs: max(row.grant.span.startsAtMs, nowMs), endsAtMs: row.grant.span.endsAtMs)
      let covered = bought.filter { $0.startsAtMs < left.endsAtMs && left.startsAtMs < $0.endsAtMs }
      guard let startsAtMs = covered.map(\.startsAtMs).min() else { continue }
      let cut = Span(startsAtMs: max(startsAtMs, left.startsAtMs), endsAtMs: left.endsAtMs)
      // What the seller has taken away stays taken away.
      let restMs = Grant.access(revoked + [Grant(kind: .madeGood, span: cut)])
        .reduce(0) { Self.sum($0, $1.endsAtMs - $1.startsAtMs) }
      try Prepared("UPDATE grants SET ends_at = ? WHERE id = ?", db)
        .run(.integer(cut.startsAtMs), .integer(row.id))
      isMoved = true
      guard restMs > 0 else { continue }
      let span = try free(restMs)
      try Prepared(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version, note)
        SELECT account, offer, kind, ?, ?, payment, version, note FROM grants WHERE id = ?
        """, db
      ).run(.integer(span.startsAtMs), .integer(span.endsAtMs), .integer(row.id))
      try Prepared("DELETE FROM grants WHERE id = ? AND starts_at >= ends_at", db)
        .run(.integer(row.id))
    }
    return isMoved
  }

  /// So much time after all that the account has.
  private func free(_ lengthMs: Int64) throws -> Span {
    let end = try Prepared(
      """
      SELECT ends_at FROM grants
      WHERE account = ? AND offer = ? AND kind IN ('bought', 'made_good')
      ORDER BY ends_at DESC LIMIT 1
      """, db
    ).first(account, offer) { $0.integer(0) }
    let startsAtMs = max(nowMs, end ?? .min)
    return Span(startsAtMs: startsAtMs, endsAtMs: Self.sum(startsAtMs, lengthMs))
  }

  private func give(
    _ lengthMs: Int64, for payment: String, version: Int64?, note: String
  ) throws -> Span {
    let span = try free(lengthMs)
    try Prepared(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version, note)
      VALUES (?, ?, 'made_good', ?, ?, ?, ?, ?)
      """, db
    ).run(
      account, offer, .integer(span.startsAtMs), .integer(span.endsAtMs), .text(payment),
      .init(version), .text(note))
    return span
  }

  private func rows(endingAfterMs timeMs: Int64) throws -> [Row] {
    var rows: [Row] = []
    let statement = try Prepared(
      """
      SELECT id, kind, starts_at, ends_at, payment FROM grants
      WHERE account = ? AND offer = ? AND ends_at > ? ORDER BY starts_at, id
      """, db)
    try statement.forEach(account, offer, .integer(timeMs)) { row in
      guard let id = row.integer(0), let kind = row.text(1).flatMap({ Grant.Kind(rawValue: $0) }),
        let startsAtMs = row.integer(2), let endsAtMs = row.integer(3)
      else { return true }
      let grant = Grant(kind: kind, span: Span(startsAtMs: startsAtMs, endsAtMs: endsAtMs))
      rows.append(Row(id: id, grant: grant, payment: row.text(4)))
      return true
    }
    return rows
  }

  // MARK: - Words

  private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
  }

  private static func length(_ timeMs: Int64) -> String {
    timeMs < 1000 ? "\(timeMs)ms" : Period.describe(ms: timeMs / 1000 * 1000)
  }

  private static func moment(_ timeMs: Int64) -> String {
    Date(timeIntervalSince1970: Double(timeMs / 1000)).formatted(.iso8601)
  }
}

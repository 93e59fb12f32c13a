import GRDB
import PaywallCore

/// What is folded together: one account's payments for one offer.
struct Purchase: Hashable {
  var account: Username
  var offer: Name
}

/// Brings the bought grants and the credit of one account and offer up to date.
///
/// Usually the new payments come after all that were counted, and only they are counted. One that
/// turns up late moves what comes after it, which is counted anew as far as it changes.
struct Fold {
  let purchase: Purchase
  let offers: OfferHistory
  let versions: OfferVersions
  let db: Database

  /// What has become of a fold.
  struct Counted {
    /// What payments buy now, the new ones and those that moved.
    var bought: [Digest: Span] = [:]
    /// The last moment of access that was given, or taken; nil where there is none.
    var lastEndMs: Int64?
  }

  /// A payment, and what it has bought so far.
  struct Known {
    var entry: Purchases.Entry
    /// The digest as the ledger writes it.
    var digest: String
    var bought: Span?
  }

  private var account: Prepared.Value { .bytes(purchase.account) }
  private var offer: Prepared.Value { .bytes(purchase.offer.bytes) }

  /// Counts new payments, which are in `payments` already.
  func count(_ new: [Known]) throws -> Counted {
    let new = new.sorted { $0.entry < $1.entry }
    guard let first = new.first?.entry, let last = new.last?.entry else { return Counted() }
    if try isAfterAll(first, new: Set(new.map { Array($0.digest.utf8) })) {
      return try count(new, since: state(), until: nil)
    }
    return try count(known(from: first), since: state(before: first), until: last)
  }

  /// Counts payments in their order.
  ///
  /// - Parameters:
  ///   - payments: All payments from some point on.
  ///   - state: The state before them.
  ///   - lastNew: After it, a purchase that comes out as it was changes nothing that follows.
  /// - Returns: What has changed.
  /// - Throws: `DatabaseError`.
  private func count(
    _ payments: [Known], since state: Purchases, until lastNew: Purchases.Entry?
  ) throws -> Counted {
    var counted = Counted()
    var purchases = state
    for payment in payments {
      let entry = payment.entry
      // Only an edited ledger holds a payment for what was not sold; it buys nothing.
      guard let offer = offers.offer(named: purchase.offer, atMs: entry.checkpoint.timeMs) else {
        continue
      }
      let span = purchases.count(entry, offer: offer)
      if let lastNew, lastNew < entry, let span, span == payment.bought { return counted }
      if span != payment.bought { try store(span, for: payment, offer: offer) }
      if let span { counted.bought[entry.digest] = span }
      counted.lastEndMs =
        [counted.lastEndMs, span?.endsAtMs, payment.bought?.endsAtMs].compactMap(\.self).max()
    }
    if purchases.credit != state.credit || lastNew != nil {
      try store(credit: purchases.credit)
    }
    return counted
  }

  // MARK: - What was counted before

  /// Whether a payment comes after all others that were counted.
  private func isAfterAll(_ first: Purchases.Entry, new: Set<[UInt8]>) throws -> Bool {
    var isAfter = true
    let statement = try Prepared(
      """
      SELECT digest, checkpoint FROM payments
      WHERE account = ? AND offer = ? AND state = 'confirmed' AND checkpoint >= ?
      """, db)
    try statement.forEach(account, offer, .integer(first.checkpoint.sequence)) { row in
      guard let digest = row.bytes(0), !new.contains(digest) else { return true }
      let isBefore =
        row.integer(1) == first.checkpoint.sequence
        && row.text(0).flatMap { Digest($0) }.map { $0 < first.digest } ?? true
      isAfter = isBefore
      return isAfter
    }
    return isAfter
  }

  /// The state after all that was counted.
  private func state() throws -> Purchases {
    let credit = try Prepared("SELECT nanos FROM credits WHERE account = ? AND offer = ?", db)
      .first(account, offer) { $0.integer(0) }
    let endsAtMs = try Prepared(
      """
      SELECT ends_at FROM grants WHERE account = ? AND offer = ? AND kind = 'bought'
      ORDER BY ends_at DESC LIMIT 1
      """, db
    ).first(account, offer) { $0.integer(0) }
    return Purchases(credit: credit ?? 0, endsAtMs: endsAtMs)
  }

  /// The state before a payment: the end of the last purchase, and what was paid since.
  private func state(before first: Purchases.Entry) throws -> Purchases {
    var earlier: [Known] = []
    var last: Purchases.Entry?
    try forEachPayment("AND checkpoint <= ?3", checkpoint: first.checkpoint, "DESC") { known in
      // The order within a checkpoint is that of the digests' bytes, which SQL does not know.
      if let last, known.entry.checkpoint.sequence < last.checkpoint.sequence { return false }
      guard known.entry < first else { return true }
      earlier.append(known)
      if known.bought != nil { last = last ?? known.entry }
      return true
    }
    var credit: Nanos = 0
    for known in earlier.sorted(by: { $0.entry > $1.entry }) {
      if let bought = known.bought {
        return Purchases(credit: credit, endsAtMs: bought.endsAtMs)
      }
      let (sum, overflow) = credit.addingReportingOverflow(known.entry.amount)
      credit = overflow ? .max : sum
    }
    return Purchases(credit: credit)
  }

  private func known(from first: Purchases.Entry) throws -> [Known] {
    var payments: [Known] = []
    try forEachPayment("AND checkpoint >= ?3", checkpoint: first.checkpoint, "ASC") { known in
      if known.entry >= first { payments.append(known) }
      return true
    }
    return payments.sorted { $0.entry < $1.entry }
  }

  private func forEachPayment(
    _ condition: String, checkpoint: Checkpoint, _ order: String, read: (Known) throws -> Bool
  ) throws {
    let statement = try Prepared(
      """
      SELECT p.digest, p.checkpoint, p.paid_at, p.amount, g.starts_at, g.ends_at
      FROM payments p LEFT JOIN grants g ON g.payment = p.digest AND g.kind = 'bought'
      WHERE p.account = ?1 AND p.offer = ?2 AND p.state = 'confirmed' \(condition)
      ORDER BY p.checkpoint \(order)
      """, db)
    try statement.forEach(account, offer, .integer(checkpoint.sequence)) { row in
      guard let text = row.text(0), let digest = Digest(text), let sequence = row.integer(1),
        let timeMs = row.integer(2), let amount = row.integer(3)
      else { return true }
      let entry = Purchases.Entry(
        digest: digest, checkpoint: Checkpoint(sequence: sequence, timeMs: timeMs), amount: amount)
      var known = Known(entry: entry, digest: text)
      if let startsAtMs = row.integer(4), let endsAtMs = row.integer(5) {
        known.bought = Span(startsAtMs: startsAtMs, endsAtMs: endsAtMs)
      }
      return try read(known)
    }
  }

  // MARK: - Storing

  private func store(_ span: Span?, for known: Known, offer: Offer) throws {
    let payment = Prepared.Value.text(known.digest)
    guard let span else {
      return try Prepared("DELETE FROM grants WHERE payment = ? AND kind = 'bought'", db)
        .run(payment)
    }
    guard let version = versions.row(of: offer) else {
      throw DatabaseError(
        resultCode: .SQLITE_CONSTRAINT,
        message: "offers has lost a version of '\(offer.name)' that is on sale; "
          + "reload the configuration, which puts it back")
    }
    try Prepared(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version)
      VALUES (?, ?, 'bought', ?, ?, ?, ?)
      ON CONFLICT (payment) WHERE kind = 'bought' DO UPDATE SET
        starts_at = excluded.starts_at, ends_at = excluded.ends_at
      """, db
    ).run(
      account, self.offer, .integer(span.startsAtMs), .integer(span.endsAtMs), payment,
      .integer(version))
  }

  private func store(credit: Nanos) throws {
    if credit == 0 {
      try Prepared("DELETE FROM credits WHERE account = ? AND offer = ?", db).run(account, offer)
    } else {
      try Prepared("INSERT OR REPLACE INTO credits VALUES (?, ?, ?)", db)
        .run(account, offer, .integer(credit))
    }
  }
}

import GRDB
import PaywallCore

/// What is folded together: one account's payments for one offer.
struct Purchase: Hashable {
  var account: Username
  var offer: Name

  func hash(into hasher: inout Hasher) {
    // An array's own way is a byte at a time.
    account.withUnsafeBytes { hasher.combine(bytes: $0) }
    offer.bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension Purchase: Comparable {
  static func < (first: Purchase, second: Purchase) -> Bool {
    first.account == second.account
      ? first.offer.bytes.lexicographicallyPrecedes(second.offer.bytes)
      : first.account.lexicographicallyPrecedes(second.account)
  }
}

/// Brings the bought grants and the credit of one account and offer up to date.
///
/// Usually the new payments come after all that were counted, and only they are counted. One that
/// turns up late moves what comes after it, which is counted anew as far as it changes.
///
/// A payment has one bought row at most: it becomes one when it is new in `payments`, and afterwards
/// that row is changed.
struct Fold {
  let purchase: Purchase
  let offers: OfferHistory
  let versions: OfferVersions
  let statements: Statements
  let db: Database

  private let account: Prepared.Value
  private let offer: Prepared.Value

  init(
    _ purchase: Purchase, _ offers: OfferHistory, _ versions: OfferVersions,
    _ statements: Statements, _ db: Database
  ) {
    self.purchase = purchase
    self.offers = offers
    self.versions = versions
    self.statements = statements
    self.db = db
    account = .bytes(purchase.account)
    offer = .bytes(purchase.offer.bytes)
  }

  /// A payment that buys something else than before, or for the first time.
  struct Change {
    var payment: Known
    var version: Offer
    var before: Span?
    var after: Span?
  }

  /// A payment, and what it has bought so far.
  struct Known {
    var entry: Purchases.Entry
    /// The digest as the ledger writes it.
    var digest: String
    var row: BoughtRow?
  }

  /// Counts new payments, which are in `payments` already.
  ///
  /// - Returns: What has changed, in the order of the payments; also payments that have bought
  ///   nothing.
  func count(_ new: [Known]) throws -> [Change] {
    let new = new.count > 1 ? new.sorted { $0.entry < $1.entry } : new
    guard let first = new.first?.entry, let last = new.last?.entry else { return [] }
    let (knownCount, credited) = try standing(
      from: first.checkpoint.sequence, limit: new.count + 1)
    if try knownCount == new.count || areAfterAll(first, new) {
      return try count(new, since: credited, new: [], until: nil)
    }
    let running = try bought(endingAfterMs: first.checkpoint.timeMs)
    return try count(
      known(from: first, running), since: state(before: first, running),
      new: Set(new.map(\.entry.digest)), until: last)
  }

  /// Counts all payments anew, after some were taken from the account or given to it.
  ///
  /// What was bought with those that were taken is not looked at; `remove` takes it out.
  ///
  /// - Returns: What has changed.
  func recount() throws -> [Change] {
    let rows = try bought(endingAfterMs: .min)
    var payments: [Known] = []
    let start = Checkpoint(sequence: .min, timeMs: .min)
    try forEachPayment("AND checkpoint >= ?3", start, "ASC", rows) { known in
      payments.append(known)
      return true
    }
    payments.sort { $0.entry < $1.entry }
    guard let last = payments.last?.entry else {
      try store(credit: 0)
      return []
    }
    let new = payments.filter { $0.row == nil }.map(\.entry.digest)
    return try count(payments, since: Purchases(), new: Set(new), until: last)
  }

  /// Takes out what a payment has bought that counts for somebody else now.
  func remove(_ payment: String) throws {
    try Prepared(
      "DELETE FROM grants WHERE account = ? AND offer = ? AND kind = 'bought' AND payment = ?", db
    ).run(account, offer, .text(payment))
  }

  /// Counts payments in their order.
  ///
  /// - Parameters:
  ///   - payments: All payments from some point on.
  ///   - state: The state before them.
  ///   - new: Those that are new, or none where all are.
  ///   - lastNew: After it, a purchase that comes out as it was changes nothing that follows.
  /// - Returns: What has changed.
  /// - Throws: `DatabaseError`.
  private func count(
    _ payments: [Known], since state: Purchases, new: Set<Digest>, until lastNew: Purchases.Entry?
  ) throws -> [Change] {
    var changes: [Change] = []
    var purchases = state
    for payment in payments {
      let entry = payment.entry
      // Only an edited ledger holds a payment for what was not sold; it buys nothing.
      guard let offer = offers.offer(named: purchase.offer, atMs: entry.checkpoint.timeMs) else {
        continue
      }
      let span = purchases.count(entry, offer: offer)
      if let lastNew, lastNew < entry, let span, span == payment.row?.span { return changes }
      guard span != payment.row?.span else { continue }
      let isNew = lastNew == nil || new.contains(entry.digest)
      try store(span, for: payment, offer: offer, isNew: isNew)
      changes.append(
        Change(payment: payment, version: offer, before: payment.row?.span, after: span))
    }
    if purchases.credit != state.credit || lastNew != nil {
      try store(credit: purchases.credit)
    }
    return changes
  }

  // MARK: - What was counted before

  /// How many payments there are from a checkpoint on, counted up to a limit, and the state after all
  /// that was counted.
  private func standing(
    from sequence: Int64, limit: Int
  ) throws -> (count: Int, state: Purchases) {
    let standing = try statements.standing.first(
      account, offer, .integer(sequence), .integer(Int64(limit))
    ) { row in
      let state = Purchases(credit: row.integer(1) ?? 0, endsAtMs: row.integer(2))
      return (count: Int(row.integer(0) ?? 0), state: state)
    }
    return standing ?? (count: 0, state: Purchases())
  }

  /// Whether the new payments, the first of which is given, come after all others that were counted.
  private func areAfterAll(_ first: Purchases.Entry, _ new: [Known]) throws -> Bool {
    let sequence = Prepared.Value.integer(first.checkpoint.sequence)
    let digests = Set(new.map { Array($0.digest.utf8) })
    var areAfter = true
    let statement = try Prepared(
      """
      SELECT digest, checkpoint FROM payments
      WHERE account = ? AND offer = ? AND state = 'confirmed' AND checkpoint >= ?
      """, db)
    try statement.forEach(account, offer, sequence) { row in
      guard let digest = row.bytes(0), !digests.contains(digest) else { return true }
      let isBefore =
        row.integer(1) == first.checkpoint.sequence
        && row.text(0).flatMap { Digest($0) }.map { $0 < first.digest } ?? true
      areAfter = isBefore
      return areAfter
    }
    return areAfter
  }

  /// The state after all that was counted.
  func state() throws -> Purchases {
    try standing(from: .max, limit: 0).state
  }

  /// The state before a payment: the end of the last purchase, and what was paid since.
  private func state(
    before first: Purchases.Entry, _ running: [String: BoughtRow]
  ) throws -> Purchases {
    let ended = try lastEnded(atMs: first.checkpoint.timeMs)
    var earlier: [Known] = []
    var last: Purchases.Entry?
    try forEachPayment("AND checkpoint <= ?3", first.checkpoint, "DESC", running) { known in
      // The order within a checkpoint is that of the digests' bytes, which SQL does not know.
      if let last, known.entry.checkpoint.sequence < last.checkpoint.sequence { return false }
      guard known.entry < first else { return true }
      var known = known
      if known.row == nil, known.digest == ended?.digest { known.row = ended?.row }
      earlier.append(known)
      if known.row != nil { last = last ?? known.entry }
      return true
    }
    var credit: Nanos = 0
    for known in earlier.sorted(by: { $0.entry > $1.entry }) {
      if let bought = known.row?.span {
        return Purchases(credit: credit, endsAtMs: bought.endsAtMs)
      }
      let (sum, overflow) = credit.addingReportingOverflow(known.entry.amount)
      credit = overflow ? .max : sum
    }
    return Purchases(credit: credit)
  }

  /// What was bought and ends after a time, by payment.
  private func bought(endingAfterMs timeMs: Int64) throws -> [String: BoughtRow] {
    var rows: [String: BoughtRow] = [:]
    let statement = try Prepared(
      """
      SELECT payment, id, starts_at, ends_at FROM grants
      WHERE account = ? AND offer = ? AND ends_at > ? AND kind = 'bought'
      """, db)
    try statement.forEach(account, offer, .integer(timeMs)) { row in
      if let payment = row.text(0), let bought = BoughtRow(row) { rows[payment] = bought }
      return true
    }
    return rows
  }

  /// The last purchase of those that have ended at a time.
  private func lastEnded(atMs timeMs: Int64) throws -> (digest: String, row: BoughtRow)? {
    try Prepared(
      """
      SELECT payment, id, starts_at, ends_at FROM grants
      WHERE account = ? AND offer = ? AND ends_at <= ? AND kind = 'bought'
      ORDER BY ends_at DESC LIMIT 1
      """, db
    ).first(account, offer, .integer(timeMs)) { row in
      guard let payment = row.text(0), let bought = BoughtRow(row) else { return nil }
      return (payment, bought)
    }
  }

  private func known(
    from first: Purchases.Entry, _ running: [String: BoughtRow]
  ) throws -> [Known] {
    var payments: [Known] = []
    try forEachPayment("AND checkpoint >= ?3", first.checkpoint, "ASC", running) { known in
      if known.entry >= first { payments.append(known) }
      return true
    }
    return payments.sorted { $0.entry < $1.entry }
  }

  private func forEachPayment(
    _ condition: String, _ checkpoint: Checkpoint, _ order: String,
    _ running: [String: BoughtRow], read: (Known) throws -> Bool
  ) throws {
    let statement = try Prepared(
      """
      SELECT digest, checkpoint, paid_at, amount FROM payments
      WHERE account = ?1 AND offer = ?2 AND state = 'confirmed' \(condition)
      ORDER BY checkpoint \(order)
      """, db)
    try statement.forEach(account, offer, .integer(checkpoint.sequence)) { row in
      guard let text = row.text(0), let digest = Digest(text), let sequence = row.integer(1),
        let timeMs = row.integer(2), let amount = row.integer(3)
      else { return true }
      let entry = Purchases.Entry(
        digest: digest, checkpoint: Checkpoint(sequence: sequence, timeMs: timeMs), amount: amount)
      return try read(Known(entry: entry, digest: text, row: running[text]))
    }
  }

  // MARK: - Storing

  private func store(_ span: Span?, for known: Known, offer: Offer, isNew: Bool) throws {
    let payment = Prepared.Value.text(known.digest)
    guard let span else {
      guard let row = known.row else { return }
      return try Prepared("DELETE FROM grants WHERE id = ?", db).run(.integer(row.id))
    }
    let start = Prepared.Value.integer(span.startsAtMs)
    let end = Prepared.Value.integer(span.endsAtMs)
    if let row = known.row {
      return try Prepared("UPDATE grants SET starts_at = ?, ends_at = ? WHERE id = ?", db)
        .run(start, end, .integer(row.id))
    }
    if !isNew {
      // An admin's SQL may have moved it to where it was not looked for.
      try Prepared(
        """
        UPDATE grants SET starts_at = ?, ends_at = ?
        WHERE account = ? AND offer = ? AND kind = 'bought' AND payment = ?
        """, db
      ).run(start, end, account, self.offer, payment)
      if db.changesCount > 0 { return }
    }
    guard let version = versions.row(of: offer) else {
      throw DatabaseError(
        resultCode: .SQLITE_CONSTRAINT,
        message: "offers has lost a version of '\(offer.name)' that is on sale; "
          + "reload the configuration, which puts it back")
    }
    try statements.insertBought.run(account, self.offer, start, end, payment, .integer(version))
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

/// A bought row of `grants`.
struct BoughtRow {
  var id: Int64
  var span: Span

  /// Reads id, start and end of the current row, after its first column.
  fileprivate init?(_ row: Prepared) {
    guard let id = row.integer(1), let startsAtMs = row.integer(2), let endsAtMs = row.integer(3)
    else { return nil }
    self.id = id
    span = Span(startsAtMs: startsAtMs, endsAtMs: endsAtMs)
  }
}

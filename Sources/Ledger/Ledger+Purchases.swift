import GRDB
import PaywallCore

extension Ledger {
  /// What is folded together: one account's payments for one offer.
  struct Purchase: Hashable {
    var account: Username
    var offer: Name

    /// Account and offer, for SQL.
    var arguments: StatementArguments {
      [String(decoding: account, as: UTF8.self), offer.description]
    }
  }

  /// Brings the bought grants and the credit of one account and offer up to date.
  ///
  /// Usually the new payments come after all that were counted, and only they are counted. A payment
  /// that turns up late moves what comes after it, so then all are counted anew.
  static func fold(
    _ purchase: Purchase, new: Set<Digest>, offers: OfferHistory, bought: inout [Digest: Span],
    _ db: Database
  ) throws {
    let firstNew = try entries(of: purchase, db, only: new).min()
    let lastOld = try lastEntry(of: purchase, without: new, db)
    let isAppended = firstNew.flatMap { first in lastOld.map { $0 < first } } ?? true
    var purchases = Purchases()
    if isAppended, lastOld != nil {
      purchases = try state(of: purchase, db)
    }
    let counted = try entries(of: purchase, db, only: isAppended ? new : nil)
    for entry in counted.sorted() {
      guard let offer = offers.offer(named: purchase.offer, atMs: entry.checkpoint.timeMs) else {
        throw DatabaseError(
          resultCode: .SQLITE_CONSTRAINT,
          message: "payment \(entry.digest) counts for '\(purchase.offer)', not sold at its time")
      }
      let span = purchases.count(entry, offer: offer)
      try store(span, for: entry, purchase, offer: offer, db)
      bought[entry.digest] = span
    }
    try store(credit: purchases.credit, purchase, db)
  }

  private static func state(of purchase: Purchase, _ db: Database) throws -> Purchases {
    let credit = try Nanos.fetchOne(
      db, sql: "SELECT nanos FROM credits WHERE account = ? AND offer = ?",
      arguments: purchase.arguments)
    let endsAtMs = try Int64.fetchOne(
      db,
      sql: "SELECT max(ends_at) FROM grants WHERE account = ? AND offer = ? AND kind = 'bought'",
      arguments: purchase.arguments)
    return Purchases(credit: credit ?? 0, endsAtMs: endsAtMs)
  }

  private static func entries(
    of purchase: Purchase, _ db: Database, only digests: Set<Digest>? = nil
  ) throws -> [Purchases.Entry] {
    if let digests {
      return try digests.compactMap { digest in
        try Row.fetchOne(
          db, sql: "SELECT digest, checkpoint, paid_at, amount FROM payments WHERE digest = ?",
          arguments: [digest.description]
        ).flatMap(entry)
      }
    }
    return try Row.fetchAll(
      db,
      sql: """
        SELECT digest, checkpoint, paid_at, amount FROM payments
        WHERE account = ? AND offer = ? AND state = 'confirmed'
        """, arguments: purchase.arguments
    ).compactMap(entry)
  }

  /// The last of the payments that were counted before.
  private static func lastEntry(
    of purchase: Purchase, without new: Set<Digest>, _ db: Database
  ) throws -> Purchases.Entry? {
    // New ones may share checkpoints with old ones, so a few of the highest are looked at.
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT digest, checkpoint, paid_at, amount FROM payments
        WHERE account = ? AND offer = ? AND state = 'confirmed' ORDER BY checkpoint DESC
        """, arguments: purchase.arguments)
    var last: Purchases.Entry?
    while let row = try rows.next() {
      guard let entry = entry(row), !new.contains(entry.digest) else { continue }
      guard let known = last else {
        last = entry
        continue
      }
      guard entry.checkpoint.sequence == known.checkpoint.sequence else { break }
      last = max(known, entry)
    }
    return last
  }

  private static func entry(_ row: Row) -> Purchases.Entry? {
    guard let digest = Digest(row["digest"] as String) else { return nil }
    return Purchases.Entry(
      digest: digest, checkpoint: Checkpoint(sequence: row["checkpoint"], timeMs: row["paid_at"]),
      amount: row["amount"])
  }

  private static func store(
    _ span: Span?, for entry: Purchases.Entry, _ purchase: Purchase, offer: Offer, _ db: Database
  ) throws {
    guard let span else {
      try db.execute(
        sql: "DELETE FROM grants WHERE payment = ? AND kind = 'bought'",
        arguments: [entry.digest.description])
      return
    }
    try db.execute(
      sql: """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version)
        VALUES (?, ?, 'bought', ?, ?, ?,
          (SELECT id FROM offers WHERE name = ? AND valid_from_at = ?))
        ON CONFLICT (payment) WHERE kind = 'bought' DO UPDATE SET
          starts_at = excluded.starts_at, ends_at = excluded.ends_at
        """,
      arguments: purchase.arguments + [
        span.startsAtMs, span.endsAtMs, entry.digest.description, offer.name.description,
        offer.validFromMs,
      ])
  }

  private static func store(credit: Nanos, _ purchase: Purchase, _ db: Database) throws {
    if credit == 0 {
      try db.execute(
        sql: "DELETE FROM credits WHERE account = ? AND offer = ?", arguments: purchase.arguments)
    } else {
      try db.execute(
        sql: "INSERT OR REPLACE INTO credits VALUES (?, ?, ?)",
        arguments: purchase.arguments + [credit])
    }
  }
}

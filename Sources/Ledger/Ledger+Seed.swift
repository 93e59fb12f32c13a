import GRDB
public import PaywallCore

extension Ledger {
  private static let paymentColumns = 12
  private static let claimColumns = 5

  /// Takes over what another ledger holds from before a time, and counts it anew: for a ledger that
  /// is to be filled from then on.
  ///
  /// - Parameters:
  ///   - other: The other ledger, which is only read.
  ///   - timeMs: Payments of earlier checkpoints are taken over, in Unix milliseconds.
  ///   - offers: What was sold, and when; the ledger has adopted it.
  /// - Returns: How many payments were taken over.
  /// - Throws: `LedgerError`.
  public func seed(
    from other: LedgerInspection, beforeMs timeMs: Int64, offers: OfferHistory
  ) throws(LedgerError) -> Int {
    let versions = try offerVersions()
    return try write { db in
      let count = try other.connection.read { source in
        try Self.copyClaims(beforeMs: timeMs, from: source, to: db)
        return try Self.copyPayments(beforeMs: timeMs, from: source, to: db)
      }
      let statements = try Statements(db)
      let purchases = try Prepared(
        "SELECT DISTINCT account, offer FROM payments WHERE state = 'confirmed'", db)
      try purchases.forEach { row in
        guard let account = row.bytes(0), let offer = row.bytes(1).flatMap({ Name($0) }) else {
          return true
        }
        let purchase = Purchase(account: account, offer: offer)
        _ = try Fold(purchase, offers, versions, statements, db).recount()
        return true
      }
      return count
    }
  }

  private static func copyPayments(
    beforeMs timeMs: Int64, from source: Database, to db: Database
  ) throws -> Int {
    let insert = try Prepared(
      "INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", db)
    var count = 0
    let rows = try Prepared("SELECT * FROM payments WHERE paid_at < ?", source)
    try rows.forEach(.integer(timeMs)) { row in
      try insert.run(row.values(paymentColumns))
      count += 1
      return true
    }
    return count
  }

  /// Copies the claims of payments; who has a name is the first of them in the order of payments.
  private static func copyClaims(
    beforeMs timeMs: Int64, from source: Database, to db: Database
  ) throws {
    let insert = try Prepared("INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?)", db)
    let rows = try Prepared(
      """
      SELECT c.payment, c.username, c.password_hash, c.offer, c.is_first
      FROM claims c JOIN payments p ON p.digest = c.payment WHERE p.paid_at < ?
      """, source)
    try rows.forEach(.integer(timeMs)) { row in
      try insert.run(row.values(claimColumns))
      return true
    }
  }
}

extension Prepared {
  /// The first columns of the current row, to be written elsewhere.
  fileprivate func values(_ count: Int) -> [Value] {
    (0..<Int32(count)).map { column in
      integer(column).map { .integer($0) } ?? bytes(column).map { .bytes($0) } ?? .null
    }
  }
}

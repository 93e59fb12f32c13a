import GRDB

extension LedgerComparison {
  // MARK: - What payments have bought

  private static let same = """
    o.account = g.account AND o.offer = g.offer AND o.ends_at = g.ends_at
      AND o.starts_at = g.starts_at AND o.payment = g.payment AND o.version = g.version
      AND o.kind = 'bought'
    """

  mutating func compareBought(_ body: (LedgerDifference) -> Void) throws {
    counts.bought = Int(
      try Prepared(
        """
        SELECT count(*) FROM anew.grants g JOIN anew.payments q ON q.digest = g.payment
        WHERE g.kind = 'bought' AND q.paid_at BETWEEN ? AND ?
        """, db
      ).first(.integer(range.fromMs), .integer(range.toMs)) { $0.integer(0) } ?? 0)
    try findWronglyBought(body)
    try findNotBought(body)
  }

  /// Rows of the ledger that do not follow from the tangle, or stand there twice.
  private func findWronglyBought(_ body: (LedgerDifference) -> Void) throws {
    let expected = try Prepared(
      """
      SELECT g.starts_at, g.ends_at FROM anew.payments q
      JOIN anew.grants g ON g.account = q.account AND g.offer = q.offer AND g.payment = q.digest
      WHERE q.digest = ? AND g.account = ? AND g.offer = ? AND g.kind = 'bought'
      """, db)
    let statement = try Prepared(
      """
      SELECT g.account, g.offer, g.starts_at, g.ends_at, g.payment,
        coalesce(q.paid_at, p.paid_at), coalesce(q.checkpoint, p.checkpoint)
      FROM main.grants g LEFT JOIN main.payments p ON p.digest = g.payment
        LEFT JOIN anew.payments q ON q.digest = g.payment
      WHERE g.kind = 'bought'
        AND (NOT EXISTS (SELECT 1 FROM anew.grants o WHERE \(Self.same))
          OR EXISTS (SELECT 1 FROM main.grants o WHERE \(Self.same) AND o.id < g.id))
      """, db)
    try statement.forEach { row in
      guard row.integer(5).map(range.contains) ?? true else { return true }
      let payment = row.bytes(4) ?? []
      let right = try expected.first(
        .bytes(payment), .bytes(row.bytes(0) ?? []), .bytes(row.bytes(1) ?? [])
      ) { $0.span(0) }
      body(
        LedgerDifference(
          .bought, payment: row.shown(4), holder: row.holder, ledger: row.span(2), tangle: right,
          checkpoint: row.integer(6), paidAtMs: row.integer(5)))
      return true
    }
  }

  /// Rows that follow from the tangle, where the ledger has none for the payment.
  private func findNotBought(_ body: (LedgerDifference) -> Void) throws {
    let statement = try Prepared(
      """
      SELECT g.account, g.offer, g.starts_at, g.ends_at, g.payment, q.paid_at, q.checkpoint
      FROM anew.grants g JOIN anew.payments q ON q.digest = g.payment
      WHERE g.kind = 'bought' AND q.paid_at BETWEEN ?1 AND ?2
        AND NOT EXISTS (
          SELECT 1 FROM main.grants o WHERE o.account = g.account AND o.offer = g.offer
            AND o.payment = g.payment AND o.kind = 'bought')
        AND (q.paid_at <= ?3 OR EXISTS (
          SELECT 1 FROM main.payments p WHERE p.digest = q.digest AND p.state <> 'pending'))
      """, db)
    try statement.forEach(
      .integer(range.fromMs), .integer(range.toMs), .integer(range.settledMs)
    ) { row in
      body(
        LedgerDifference(
          .bought, payment: row.shown(4), holder: row.holder, tangle: row.span(2),
          checkpoint: row.integer(6), paidAtMs: row.integer(5)))
      return true
    }
  }

  // MARK: - Credits

  /// Those of accounts that neither ledger knows a payment of that the other cannot know yet.
  mutating func compareCredits(_ body: (LedgerDifference) -> Void) throws {
    let statement = try Prepared(
      """
      WITH holders (account, offer) AS (
        SELECT account, offer FROM main.credits UNION SELECT account, offer FROM anew.credits)
      SELECT h.account, h.offer, c.nanos, n.nanos FROM holders h
        LEFT JOIN main.credits c ON c.account = h.account AND c.offer = h.offer
        LEFT JOIN anew.credits n ON n.account = h.account AND n.offer = h.offer
      WHERE NOT EXISTS (
          SELECT 1 FROM main.payments p
          WHERE p.account = h.account AND p.offer = h.offer AND p.paid_at > ?1
            AND NOT EXISTS (SELECT 1 FROM anew.payments q WHERE q.digest = p.digest))
        AND NOT EXISTS (
          SELECT 1 FROM anew.payments q
          WHERE q.account = h.account AND q.offer = h.offer AND q.paid_at > ?2
            AND NOT EXISTS (
              SELECT 1 FROM main.payments p WHERE p.digest = q.digest AND p.state <> 'pending'))
      """, db)
    var counts = counts
    try statement.forEach(.integer(range.toMs), .integer(range.settledMs)) { row in
      counts.credits += 1
      let (ledger, tangle) = (row.integer(2) ?? 0, row.integer(3) ?? 0)
      guard ledger != tangle else { return true }
      body(
        LedgerDifference(
          .credit, holder: row.holder, ledger: "\(ledger)", tangle: "\(tangle)"))
      return true
    }
    self.counts = counts
  }
}

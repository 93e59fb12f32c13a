import GRDB

/// Compares a ledger with one that was made anew from the tangle, without changing either.
///
/// Both are read row by row, by their indexes; the comparison sees one moment of each.
public struct LedgerComparison {
  /// How much was compared.
  public struct Counts: Hashable, Sendable {
    /// Payments of the one, the other or both, and transactions that are none.
    public var payments = 0
    /// Payments that are too new for the ledger to have them.
    public var newer = 0
    /// Spans of time that payments have bought.
    public var bought = 0
    /// Credits of one account for one offer.
    public var credits = 0
  }

  /// What is compared.
  public struct Range: Hashable, Sendable {
    /// Payments of earlier checkpoints are left aside, in Unix milliseconds.
    public var fromMs: Int64
    /// Payments of later checkpoints are left aside, in Unix milliseconds.
    public var toMs: Int64
    /// Payments of later checkpoints may be missing in the ledger yet, in Unix milliseconds.
    public var settledMs: Int64
    /// Payments of still later checkpoints cannot be: there is no such time yet; nil: they are left
    /// aside as well.
    public var impossibleMs: Int64?

    /// A range of the given bounds.
    public init(fromMs: Int64, toMs: Int64, settledMs: Int64, impossibleMs: Int64? = nil) {
      self.fromMs = fromMs
      self.toMs = toMs
      self.settledMs = settledMs
      self.impossibleMs = impossibleMs
    }

    func contains(_ timeMs: Int64) -> Bool {
      fromMs <= timeMs && timeMs <= toMs || impossibleMs.map { timeMs > $0 } ?? false
    }
  }

  let range: Range
  let db: Database
  var counts = Counts()

  /// Compares two ledgers.
  ///
  /// - Parameters:
  ///   - ledger: The ledger that was kept.
  ///   - path: The one that was made anew; nobody writes it any more.
  ///   - range: What to compare.
  ///   - body: Takes each difference.
  /// - Returns: How much was compared.
  /// - Throws: `LedgerError`.
  public static func run(
    _ ledger: LedgerInspection, with path: String, _ range: Range,
    _ body: (LedgerDifference) -> Void
  ) throws(LedgerError) -> Counts {
    try ledger.connection.run { db in
      try db.execute(sql: "ATTACH DATABASE ? AS anew", arguments: [path])
      var counts = Counts()
      try db.inTransaction(.deferred) {
        var comparison = LedgerComparison(range: range, db: db)
        try comparison.comparePayments(body)
        try comparison.findAbsent(body)
        try comparison.compareBought(body)
        try comparison.compareCredits(body)
        counts = comparison.counts
        return .commit
      }
      try db.execute(sql: "DETACH DATABASE anew")
      return counts
    }
  }

  // MARK: - Payments

  private static let columns = [
    "payer", "amount", "checkpoint", "paid_at", "memo", "state", "account", "offer",
  ]
  private static let kinds: [LedgerDifference.Kind] = [
    .payer, .amount, .checkpoint, .time, .memo, .state, .account, .offer,
  ]

  /// Whatever was read, whenever the ledger says that it was paid.
  private mutating func comparePayments(_ body: (LedgerDifference) -> Void) throws {
    let shared = Self.columns.map { "n.\($0), p.\($0)" }.joined(separator: ", ")
    let statement = try Prepared(
      """
      SELECT n.digest, p.digest, n.checkpoint, n.paid_at, n.amount, p.state, \(shared)
      FROM anew.payments n LEFT JOIN main.payments p ON p.digest = n.digest
      WHERE n.paid_at BETWEEN ? AND ? ORDER BY n.paid_at
      """, db)
    var counts = counts
    try statement.forEach(.integer(range.fromMs), .integer(range.toMs)) { row in
      guard let digest = row.shown(0), let paidAtMs = row.integer(3) else { return true }
      let isSettled = paidAtMs <= range.settledMs
      guard !row.isNull(1), isSettled || row.text(5) != "pending" else {
        if isSettled {
          counts.payments += 1
          body(
            LedgerDifference(
              .missing, payment: digest, checkpoint: row.integer(2), paidAtMs: paidAtMs,
              amountNanos: row.integer(4)))
        } else {
          counts.newer += 1
        }
        return true
      }
      counts.payments += 1
      for (index, kind) in Self.kinds.enumerated() {
        let (tangle, ledger) = (Int32(6 + 2 * index), Int32(7 + 2 * index))
        guard !row.isSame(tangle, ledger) else { continue }
        body(
          LedgerDifference(
            kind, payment: digest, ledger: row.shown(ledger), tangle: row.shown(tangle),
            checkpoint: row.integer(2), paidAtMs: paidAtMs, amountNanos: row.integer(4)))
      }
      return true
    }
    self.counts = counts
  }

  private mutating func findAbsent(_ body: (LedgerDifference) -> Void) throws {
    let statement = try Prepared(
      """
      SELECT digest, checkpoint, paid_at, amount FROM main.payments p
      WHERE (paid_at BETWEEN ?1 AND ?2 OR paid_at > ?3)
        AND NOT EXISTS (SELECT 1 FROM anew.payments n WHERE n.digest = p.digest)
      ORDER BY paid_at
      """, db)
    var counts = counts
    let impossible = Prepared.Value.integer(range.impossibleMs ?? .max)
    try statement.forEach(.integer(range.fromMs), .integer(range.toMs), impossible) { row in
      counts.payments += 1
      body(
        LedgerDifference(
          .absent, payment: row.shown(0), checkpoint: row.integer(1), paidAtMs: row.integer(2),
          amountNanos: row.integer(3)))
      return true
    }
    self.counts = counts
  }
}

extension Prepared {
  /// A value in words; nil for NULL.
  ///
  /// What is not UTF-8 shows as U+FFFD.
  func shown(_ column: Int32) -> String? {
    integer(column).map(String.init) ?? bytes(column).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether two values are the same, byte by byte.
  func isSame(_ one: Int32, _ other: Int32) -> Bool {
    integer(one) == integer(other) && bytes(one) == bytes(other)
  }

  /// The account and the offer in the first columns.
  var holder: String { "\(shown(0) ?? "") for '\(shown(1) ?? "")'" }

  /// A start and an end, as `START..END` in Unix milliseconds.
  func span(_ column: Int32) -> String? {
    integer(column).flatMap { start in integer(column + 1).map { "\(start)..\($0)" } }
  }
}

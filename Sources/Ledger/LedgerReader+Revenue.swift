import GRDB

/// What came in, of one kind: of a day, or for an offer.
public struct Revenue<Key: Hashable & Sendable>: Hashable, Sendable {
  /// The day or the offer.
  public var key: Key
  /// How many payments.
  public var count: Int64
  /// Their sum, which may exceed 64 bits.
  public var nanos: UInt128

  /// Revenue of the given parts.
  public init(key: Key, count: Int64, nanos: UInt128) {
    self.key = key
    self.count = count
    self.nanos = nanos
  }
}

extension LedgerReader {
  private static var dayMs: Int64 { 86_400_000 }
  /// The last day of the year 9999, in days since 1970.
  private static var lastDay: Int64 { 2_932_896 }

  /// What came in by day (UTC), the days by their number since 1970-01-01.
  ///
  /// What is unclaimed is counted too. Days without payments are left out; a time beyond the calendar
  /// counts for its first or last day.
  ///
  /// - Parameters:
  ///   - fromMs: Payments from this time on, in Unix milliseconds; nil: all.
  ///   - toMs: Payments before this time.
  /// - Returns: The days in their order.
  /// - Throws: `LedgerError`.
  public func revenueByDay(
    fromMs: Int64?, toMs: Int64?
  ) throws(LedgerError) -> [Revenue<Int64>] {
    try read { db in
      try Self.revenue(
        by: "min(max(paid_at / \(Self.dayMs), 0), \(Self.lastDay))", fromMs, toMs, db
      ) { $0.integer(0) ?? 0 }
    }
  }

  /// What came in by offer, the best-selling first; nil: what is unclaimed.
  ///
  /// - Parameters:
  ///   - fromMs: Payments from this time on, in Unix milliseconds; nil: all.
  ///   - toMs: Payments before this time.
  /// - Returns: The offers.
  /// - Throws: `LedgerError`.
  public func revenueByOffer(
    fromMs: Int64?, toMs: Int64?
  ) throws(LedgerError) -> [Revenue<String?>] {
    try read { db in
      // An unclaimed row may name an offer only where somebody has edited it.
      try Self.revenue(by: "CASE state WHEN 'confirmed' THEN offer END", fromMs, toMs, db) {
        $0.shownText(0)
      }
    }.sorted { ($1.nanos, $0.key ?? "") < ($0.nanos, $1.key ?? "") }
  }

  /// Whole IOTA and the rest are summed apart: a sum of more than 64 bits is an error in SQLite.
  private static func revenue<Key>(
    by key: String, _ fromMs: Int64?, _ toMs: Int64?, _ db: Database, read: (Prepared) -> Key
  ) throws -> [Revenue<Key>] {
    var revenue: [Revenue<Key>] = []
    let statement = try Prepared(
      """
      SELECT \(key) AS key, count(*), sum(amount / 1000000000), sum(amount % 1000000000)
      FROM payments WHERE state IN ('confirmed', 'unclaimed')
        AND paid_at >= ? AND (paid_at < ? OR ?) GROUP BY key ORDER BY key
      """, db)
    try statement.forEach(
      .integer(fromMs ?? .min), .integer(toMs ?? .max), .integer(toMs == nil ? 1 : 0)
    ) { row in
      guard let count = row.integer(1), let whole = row.integer(2), let rest = row.integer(3) else {
        return true
      }
      revenue.append(
        Revenue(
          key: read(row), count: count,
          nanos: UInt128(whole.magnitude) * 1_000_000_000 + UInt128(rest.magnitude)))
      return true
    }
    return revenue
  }
}

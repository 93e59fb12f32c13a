public import PaywallCore

/// A ledger, added up.
public struct LedgerTotals: Hashable, Sendable {
  /// Payments that count.
  public var confirmedCount: Int64 = 0
  /// Payments that are in no checkpoint yet.
  public var pendingCount: Int64 = 0
  /// Payments that the seller has to assign or refund; those assigned are none.
  public var unclaimedCount: Int64 = 0
  /// What came in: confirmed and unclaimed.
  public var revenue: Nanos = 0
  /// Accounts that may read something sold now.
  public var activeAccountCount: Int64 = 0
}

/// Adds up a ledger beside whoever has it open, again and again, on one thread at a time.
///
/// - Complexity: In proportion to the payments, about half a second for a million; where nothing was
///   written since the last time, to the accounts that may read now.
public final class TotalsReader {
  private let files: LedgerFiles?
  private let connection: Connection
  private var dataVersion: Int64?
  private var totals = LedgerTotals()

  /// Opens a ledger.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - files: Those that this process has open already; nil: none.
  /// - Throws: `LedgerError`.
  public init(path: String, files: LedgerFiles? = nil) throws(LedgerError) {
    self.files = files
    connection = try Connection(reading: path, beside: files)
  }

  /// Adds up.
  ///
  /// - Parameters:
  ///   - nowMs: The tangle's time, in Unix milliseconds.
  ///   - isOver: Asked now and then; true ends it early.
  /// - Returns: The totals; nil where it was ended early.
  /// - Throws: `LedgerError`.
  public func totals(nowMs: Int64, isOver: () -> Bool) throws(LedgerError) -> LedgerTotals? {
    files?.mendIndex()
    return try connection.read { db -> LedgerTotals? in
      let version = try Prepared("PRAGMA data_version", db).first { $0.integer(0) }
      if version == nil || version != dataVersion {
        dataVersion = nil
        guard try addUp(Prepared("SELECT state, amount FROM payments", db), isOver) else {
          return nil
        }
        totals.unclaimedCount -= try Prepared(Self.assigned, db).first { $0.integer(0) } ?? 0
        dataVersion = version
      }
      totals.activeAccountCount =
        try Prepared(Self.activeAccounts, db).first(.integer(nowMs)) { $0.integer(0) } ?? 0
      return totals
    }
  }

  /// Closes the file, after which nothing else may be called.
  public func close() {
    connection.close()
  }

  /// How many rows are added up between two looks at whether to go on.
  private static let rowsPerLook = 10_000

  private func addUp(_ payments: Prepared, _ isOver: () -> Bool) throws -> Bool {
    totals = LedgerTotals()
    var row = 0
    var isWhole = true
    try payments.forEach { payment in
      row += 1
      if row.isMultiple(of: Self.rowsPerLook), isOver() {
        isWhole = false
        return false
      }
      if payment.isText(Self.pending, 0) {
        totals.pendingCount += 1
      } else if payment.isText(Self.confirmed, 0) {
        totals.confirmedCount += 1
        add(payment.integer(1))
      } else if payment.isText(Self.unclaimed, 0) {
        totals.unclaimedCount += 1
        add(payment.integer(1))
      }
      return true
    }
    return isWhole
  }

  private func add(_ amount: Int64?) {
    let (sum, overflow) = totals.revenue.addingReportingOverflow(
      max(0, amount ?? 0))
    totals.revenue = overflow ? .max : sum
  }

  private static let pending = Array("pending".utf8)
  private static let confirmed = Array("confirmed".utf8)
  private static let unclaimed = Array("unclaimed".utf8)

  private static let assigned = """
    SELECT count(DISTINCT payment) FROM grants WHERE \(PaymentRecord.isAssignment)
      AND (SELECT state FROM payments WHERE digest = grants.payment) = 'unclaimed'
    """

  private static let activeAccounts = """
    SELECT count(DISTINCT account) FROM grants g INDEXED BY grants_by_end
    WHERE ends_at > ?1 AND starts_at <= ?1 AND kind <> 'revoked' AND NOT EXISTS (
      SELECT 1 FROM grants r WHERE r.account = g.account AND r.offer = g.offer
        AND r.ends_at > ?1 AND r.starts_at <= ?1 AND r.kind = 'revoked')
    """
}

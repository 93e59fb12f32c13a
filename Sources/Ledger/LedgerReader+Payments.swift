import GRDB
public import PaywallCore

/// Which payments are asked for.
public struct PaymentFilter: Hashable, Sendable {
  /// Of this account, what was assigned to it included; nil: of any.
  public var account: Username?
  /// In this state; nil: in any.
  public var state: PaymentState?
  /// From this time on, in Unix milliseconds; a pending payment's time is when it was seen.
  public var fromMs: Int64?
  /// Before this time.
  public var toMs: Int64?

  /// A filter of the given parts; without any, all payments.
  public init(
    account: Username? = nil, state: PaymentState? = nil, fromMs: Int64? = nil, toMs: Int64? = nil
  ) {
    self.account = account
    self.state = state
    self.fromMs = fromMs
    self.toMs = toMs
  }

  /// The condition in SQL, and what stands for its parameters.
  ///
  /// - Parameter isPending: Of pending payments, else of all others.
  /// - Returns: Both.
  fileprivate func condition(isPending: Bool) -> (sql: String, values: [Prepared.Value]) {
    let time = isPending ? "seen_at" : "paid_at"
    var conditions = [isPending ? "state = 'pending'" : "paid_at IS NOT NULL"]
    var values: [Prepared.Value] = []
    func add(_ condition: String, _ value: Prepared.Value) {
      values.append(value)
      conditions.append(condition.replacing("?", with: "?\(values.count)"))
    }
    if let account {
      add(
        """
        (account = ? OR digest IN (
          SELECT payment FROM grants WHERE account = ? AND \(PaymentRecord.isAssignment)))
        """, .bytes(account))
    }
    if let state { add("state = ?", .text(state.rawValue)) }
    if let fromMs { add("\(time) >= ?", .integer(fromMs)) }
    if let toMs { add("\(time) < ?", .integer(toMs)) }
    return (conditions.joined(separator: " AND "), values)
  }
}

extension LedgerReader {
  /// The newest payments, pending ones first.
  ///
  /// - Parameters:
  ///   - filter: Which.
  ///   - limit: So many at most.
  /// - Returns: The payments, and whether there are more.
  /// - Throws: `LedgerError`.
  public func newestPayments(
    _ filter: PaymentFilter, limit: Int
  ) throws(LedgerError) -> (payments: [PaymentRecord], areMore: Bool) {
    try read { db in
      var payments: [PaymentRecord] = []
      var areMore = false
      for isPending in [true, false] where !areMore {
        try Self.forEach(filter, isPending: isPending, "DESC", db) { row in
          areMore = payments.count >= limit
          if !areMore { payments.append(PaymentRecord(row)) }
          return !areMore
        }
      }
      return (payments, areMore)
    }
  }

  /// Reads payments one after the other, the oldest first and pending ones last.
  ///
  /// - Parameters:
  ///   - filter: Which.
  ///   - body: Takes a payment.
  /// - Throws: `LedgerError`, or what `body` throws.
  public func forEachPayment(
    _ filter: PaymentFilter, _ body: (PaymentRecord) throws -> Void
  ) throws {
    // What `body` throws is no error of the ledger.
    var failure: (any Error)?
    try read { db in
      for isPending in [false, true] where failure == nil {
        try Self.forEach(filter, isPending: isPending, "ASC", db) { row in
          do { try body(PaymentRecord(row)) } catch { failure = error }
          return failure == nil
        }
      }
    }
    if let failure { throw failure }
  }

  /// How many payments there are, and when the newest was made, in Unix milliseconds.
  ///
  /// - Throws: `LedgerError`.
  public func paymentCount() throws(LedgerError) -> (count: Int64, newestMs: Int64?) {
    try read { db in
      let count = try Prepared("SELECT count(*) FROM payments", db).first { $0.integer(0) } ?? 0
      let newestMs = try Prepared("SELECT max(paid_at) FROM payments", db).first { $0.integer(0) }
      return (count, newestMs)
    }
  }

  /// Pending payments have an index of their own; the others come in the order of theirs, without
  /// being sorted or held.
  private static func forEach(
    _ filter: PaymentFilter, isPending: Bool, _ order: String, _ db: Database,
    read: (Prepared) throws -> Bool
  ) throws {
    let time = isPending ? "seen_at" : "paid_at"
    let (condition, values) = filter.condition(isPending: isPending)
    let statement = try Prepared(
      """
      SELECT \(PaymentRecord.columns) FROM payments
      WHERE \(condition)
      ORDER BY \(time) \(order), rowid \(order)
      """, db)
    try statement.forEach(values, read: read)
  }
}

import Ledger
import PaywallCore

/// The columns of an export.
enum ExportedPayment {
  /// What stands in a field.
  enum Value: Hashable {
    case none
    case integer(Int64)
    case boolean(Bool)
    /// Made here: a number or a time.
    case plain(String)
    /// From strangers.
    case text(String)

    init(_ value: String?) { self = value.map { .text($0) } ?? .none }
    init(_ value: Int64?) { self = value.map { .integer($0) } ?? .none }
  }

  static let names = [
    "digest", "paid_at", "seen_at", "state", "amount_nanos", "amount_iota", "account", "offer",
    "reason", "assigned_to", "payer", "verified", "checkpoint", "memo",
  ]

  /// The fields of a payment, one for each name.
  static func values(_ payment: PaymentRecord) -> [Value] {
    [
      Value(payment.digest), payment.paidAtMs.map { .plain(Moment.describe(ms: $0)) } ?? .none,
      .plain(Moment.describe(ms: payment.seenAtMs)), Value(payment.state),
      .integer(payment.amountNanos),
      .plain(Amount.iota(UInt128(payment.amountNanos.magnitude))), Value(payment.account),
      Value(payment.offer), Value(payment.reason), Value(payment.assignedTo), Value(payment.payer),
      .boolean(payment.isVerified), Value(payment.checkpoint), Value(payment.memo),
    ]
  }
}

/// A form in which payments are written.
protocol ExportWriter {
  /// What stands before the first row.
  mutating func begin() -> String
  /// A row.
  mutating func row(_ values: [ExportedPayment.Value]) -> String
  /// What stands behind the last row.
  mutating func end() -> String
}

public import PaywallCore

/// What became of a payment, as `payments` keeps it.
public enum PaymentState: String, Hashable, Sendable, CaseIterable {
  /// It counts for an account and an offer.
  case confirmed
  /// It is in no checkpoint yet.
  case pending
  /// The seller has to assign or refund it.
  case unclaimed
  /// It is no payment.
  case rejected
}

/// A row of `payments`, as an admin is shown it; what is no UTF-8 is shown as U+FFFD.
public struct PaymentRecord: Hashable, Sendable {
  /// The transaction's name.
  public var digest: String
  /// The sender's address; nil where it is not known.
  public var payer: String?
  /// Whether the sender's signature was checked here.
  public var isVerified: Bool
  /// What was paid.
  public var amountNanos: Nanos
  /// The memo as it was written.
  public var memo: String?
  /// The checkpoint; nil: pending.
  public var checkpoint: Int64?
  /// The checkpoint's time, in Unix milliseconds.
  public var paidAtMs: Int64?
  /// When the broker first saw it, in Unix milliseconds.
  public var seenAtMs: Int64
  /// One of `PaymentState`, in an edited ledger perhaps another.
  public var state: String
  /// Why it is unclaimed or rejected.
  public var reason: String?
  /// To whom it counts.
  public var account: String?
  /// For what it counts.
  public var offer: String?
  /// To whom the seller has given the time of an unclaimed one.
  public var assignedTo: String?

  static let columns = """
    digest, payer, verified, amount, memo, checkpoint, paid_at, seen_at, state, reason, account,
    offer, CASE state WHEN 'unclaimed' THEN (
      SELECT account FROM grants
      WHERE payment = payments.digest AND \(isAssignment) ORDER BY id LIMIT 1) END
    """

  /// How many `columns` are.
  static let columnCount: Int32 = 13

  /// Whether a row of `grants` is one by which the seller gave a payment's time to somebody.
  static let isAssignment =
    "kind = 'granted' AND payment IS NOT NULL AND note IS NOT '\(Schema.provisionalNote)'"

  /// Reads the current row of a statement that selects `columns`.
  init(_ row: Prepared) {
    digest = row.shownText(0) ?? ""
    payer = row.shownText(1)
    isVerified = row.integer(2) == 1
    amountNanos = row.integer(3) ?? 0
    memo = row.shownText(4)
    checkpoint = row.integer(5)
    paidAtMs = row.integer(6)
    seenAtMs = row.integer(7) ?? 0
    state = row.shownText(8) ?? ""
    reason = row.shownText(9)
    account = row.shownText(10)
    offer = row.shownText(11)
    assignedTo = row.shownText(12)
  }
}

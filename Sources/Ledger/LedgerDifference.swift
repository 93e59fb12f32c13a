public import PaywallCore

/// Where a ledger differs from one that was made anew from the tangle.
public struct LedgerDifference: Hashable, Sendable {
  /// What differs.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A payment of the tangle is not in the ledger.
    case missing
    /// A payment of the ledger was not read on the tangle.
    case absent
    /// One of a payment's parts.
    case payer, amount, checkpoint, time, memo, state, account, offer
    /// What a payment has bought.
    case bought
    /// What an account has paid for an offer that has bought nothing yet.
    case credit
  }

  /// What differs.
  public var kind: Kind
  /// The payment, as the ledger writes its digest; nil for credit.
  public var payment: String?
  /// The account and the offer that the time or the credit is for.
  public var holder: String?
  /// What the ledger says; nil: nothing.
  public var ledger: String?
  /// What the tangle says, or what follows from it; nil: nothing.
  public var tangle: String?
  /// The checkpoint, as the ledger has it where it has it.
  public var checkpoint: Int64?
  /// The checkpoint's time, in Unix milliseconds.
  public var paidAtMs: Int64?
  /// The amount, in NANOS.
  public var amountNanos: Nanos?

  init(
    _ kind: Kind, payment: String? = nil, holder: String? = nil, ledger: String? = nil,
    tangle: String? = nil, checkpoint: Int64? = nil, paidAtMs: Int64? = nil,
    amountNanos: Nanos? = nil
  ) {
    self.kind = kind
    self.payment = payment
    self.holder = holder
    self.ledger = ledger
    self.tangle = tangle
    self.checkpoint = checkpoint
    self.paidAtMs = paidAtMs
    self.amountNanos = amountNanos
  }
}

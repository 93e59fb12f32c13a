/// A transaction that touched the seller's address, as a `PaymentSource` judged it.
public struct Payment: Hashable, Sendable {
  /// The transaction.
  public var digest: Digest
  /// The sender; nil where it is not known.
  public var payer: Address?
  /// Whether the sender's signature was verified here, not only by the nodes.
  public var isPayerVerified: Bool
  /// The seller's net gain in NANOS; 0 where nothing was paid.
  public var amount: Nanos
  /// What the sender wrote beside it.
  public var memo: Memo
  /// The checkpoint that made it final; nil while it is pending.
  public var checkpoint: Checkpoint?
  /// Why it is no payment (the seller's own spending, another coin, …); nil where it is one.
  public var rejection: String?

  /// A payment of the given parts.
  public init(
    digest: Digest, payer: Address?, isPayerVerified: Bool = false, amount: Nanos,
    memo: Memo = .none, checkpoint: Checkpoint?, rejection: String? = nil
  ) {
    self.digest = digest
    self.payer = payer
    self.isPayerVerified = isPayerVerified
    self.amount = amount
    self.memo = memo
    self.checkpoint = checkpoint
    self.rejection = rejection
  }
}

/// How far a source has been read: every transaction up to this checkpoint was handed over.
public struct ReadingPosition: Hashable, Sendable {
  /// The highest checkpoint that is wholly covered; nil where nothing was read yet.
  public var checkpoint: Int64?
  /// Transactions before this time, in Unix milliseconds, are not looked at.
  public var sinceMs: Int64

  /// A position of the given parts.
  public init(checkpoint: Int64?, sinceMs: Int64) {
    self.checkpoint = checkpoint
    self.sinceMs = sinceMs
  }
}

/// Some payments, and where reading stands once they are recorded.
public struct PaymentPage: Hashable, Sendable {
  /// In the order (checkpoint, digest bytes); pending ones last.
  public var payments: [Payment]
  /// Where reading stands once all of them are durable.
  public var position: ReadingPosition

  /// A page of the given parts.
  public init(payments: [Payment], position: ReadingPosition) {
    self.payments = payments
    self.position = position
  }
}

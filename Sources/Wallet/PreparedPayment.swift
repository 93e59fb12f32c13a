public import IOTACrypto
public import PaywallCore

/// A payment that the node has tried out and nobody has signed yet.
public struct PreparedPayment: Hashable, Sendable {
  /// What is to be paid.
  public let order: PaymentOrder
  /// The transaction, its gas budget set.
  public let transaction: Transaction
  /// What the transaction would cost beside the amount, after the dry run.
  public let gas: GasUsed

  /// What the payer will have less in all, in NANOS.
  public var totalNanos: Nanos { order.amountNanos + gas.netNanos }
}

/// A payment that was executed.
public struct ExecutedPayment: Hashable, Sendable {
  /// The transaction's name.
  public let digest: Digest
  /// What it cost beside the amount.
  public let gas: GasUsed
  /// The checkpoint that holds it; nil: none yet.
  public internal(set) var checkpoint: UInt64?
  /// The time of that checkpoint, in Unix milliseconds.
  public internal(set) var timestampMs: Int64?
}

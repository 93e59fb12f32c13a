import IOTACrypto
import PaywallCore

/// A point in the history that all nodes agree on, and what was executed since the one before.
struct Checkpoint: Sendable {
  let epoch: UInt64
  let sequenceNumber: UInt64
  let timestampMs: Int64
  let previousDigest: Digest?
  let networkTotalTransactions: UInt64
  let transactions: [Digest]
  /// All gas of the epoch so far.
  let gas: Gas.Used

  /// The digest of the summary.
  ///
  /// It chains the checkpoints as the network does, but for its digest of the contents, which here
  /// covers the digests of the transactions alone, not those of their effects and signatures.
  ///
  /// Source: iotaledger/iota, crates/iota-types/src/messages_checkpoint.rs (`CheckpointSummary`).
  let digest: Digest

  init(
    epoch: UInt64, sequenceNumber: UInt64, timestampMs: Int64, previousDigest: Digest?,
    networkTotalTransactions: UInt64, transactions: [Digest], gas: Gas.Used,
    genesis: Digest? = nil
  ) {
    self.epoch = epoch
    self.sequenceNumber = sequenceNumber
    self.timestampMs = timestampMs
    self.previousDigest = previousDigest
    self.networkTotalTransactions = networkTotalTransactions
    self.transactions = transactions
    self.gas = gas
    var contents = BCSWriter()
    contents.vector(transactions) { $0.digest($1) }
    if let genesis {
      contents.digest(genesis)
    }
    digest = Digest(
      hashing: Self.summary(
        epoch: epoch, sequenceNumber: sequenceNumber, timestampMs: timestampMs,
        previousDigest: previousDigest, networkTotalTransactions: networkTotalTransactions,
        contentsDigest: Digest(hashing: contents.bytes, as: "CheckpointContents"), gas: gas),
      as: "CheckpointSummary")
  }

  /// The BCS of a summary.
  static func summary(
    epoch: UInt64, sequenceNumber: UInt64, timestampMs: Int64, previousDigest: Digest?,
    networkTotalTransactions: UInt64, contentsDigest: Digest, gas: Gas.Used,
    nonRefundable: UInt64 = 0
  ) -> [UInt8] {
    var writer = BCSWriter()
    writer.number(epoch)
    writer.number(sequenceNumber)
    writer.number(networkTotalTransactions)
    writer.digest(contentsDigest)
    writer.option(previousDigest) { $0.digest($1) }
    for amount in [gas.computation, gas.burned, gas.storage, gas.rebate, nonRefundable] {
      writer.number(amount)
    }
    writer.number(UInt64(clamping: timestampMs))
    writer.uleb128(0)  // no commitments
    writer.bool(false)  // no end of an epoch
    writer.uleb128(0)  // nothing specific to a version
    return writer.bytes
  }
}

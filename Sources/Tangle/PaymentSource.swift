public import PaywallCore

/// Payments to one address, read from the nodes of one protocol.
///
/// A thread of the consumer's calls it, one call at a time; only ``cancel()`` may come from another.
/// Sources that poll return from ``readPayments(after:isKnown:record:)`` once they have read what
/// there is; one that streams may stay in it and hand over pages until it is cancelled.
public protocol PaymentSource: AnyObject, Sendable {
  /// Asks a node for the identifier of its network, as `6364aad5`.
  ///
  /// - Throws: ``NetworkMismatch`` where it is another network than was configured;
  ///   ``TangleError`` where no node answers.
  func networkIdentifier() throws -> String

  /// Reads what is new and hands it over in pages, oldest first.
  ///
  /// Each transaction that touched the address is handed over once it is final, payment or not;
  /// before, at most once as pending. Progress is that of the recorded pages alone: whatever ends
  /// the reading, the next one resumes there.
  ///
  /// - Parameters:
  ///   - position: The position of the last page that was recorded. Whoever sets `sinceMs` to an
  ///     earlier time sets `checkpoint` to nil as well.
  ///   - isKnown: Whether a final record of the transaction exists.
  ///   - record: Makes a page durable, and returns only then.
  /// - Throws: ``NetworkMismatch``, ``TangleError``, and what `isKnown` and `record` throw.
  func readPayments(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws

  /// The newest checkpoint of the first node that answers, for the tangle's time.
  ///
  /// - Throws: ``NetworkMismatch`` or ``TangleError``.
  func latestCheckpoint() throws -> NodeCheckpoint

  /// The newest checkpoints of the other nodes, for what one node alone is not believed.
  ///
  /// - Parameters:
  ///   - node: The node that is left out.
  ///   - body: Takes each answer when it comes; may not call the source.
  /// - Throws: ``TangleError/Code/cancelled``; a node that fails is passed over.
  func forEachLatestCheckpoint(
    besides node: Int, _ body: (NodeCheckpoint) -> Void
  ) throws

  /// Ends a running call within 200 ms, and every later one at once, with
  /// ``TangleError/Code/cancelled``.
  func cancel()
}

/// A checkpoint, and the node that told of it.
public struct NodeCheckpoint: Hashable, Sendable {
  /// The node's place in the configuration.
  public let node: Int
  /// The checkpoint.
  public let checkpoint: Checkpoint

  /// A checkpoint that a node told of.
  public init(node: Int, checkpoint: Checkpoint) {
    self.node = node
    self.checkpoint = checkpoint
  }
}

internal import HTTP
public import PaywallCore
internal import Synchronization

/// Payments read from Stardust nodes (Hornet) over REST, by polling.
///
/// A poll asks a node how far the milestones are confirmed, and reads each one that follows the
/// last: which outputs it created and consumed (`utxo-changes`). Every output that was created is
/// fetched, spent or not, so a payment that the seller sweeps at once is seen all the same. The
/// outputs of one transaction that belong to the address are one payment: the transaction's id is the
/// digest, the milestone is the checkpoint, a base unit is 1000 NANOS. Where the transaction consumed
/// an output of the address, it is the seller's own.
///
/// Confirmed milestones never change, so the reading position is the last one that was read wholly,
/// and each poll may go to another node. Where to begin within `since` is found by bisection of the
/// milestones' times.
///
/// What cannot be read holds the position back, and is told once:
/// - An output that no node tells is asked for again, as are the others of its transaction, while
///   what follows is read.
/// - Milestones that all nodes have pruned are a gap. Of those, the payments that are not spent yet
///   are read from the indexer, and what follows is read too. The gap is read as soon as a node is
///   there that has not pruned it; `since` moved to a later time gives it up.
///
/// A node that is not healthy, or behind what was read already, is believed in what it tells, and the
/// next one is asked too.
public final class StardustSource: PaymentSource {
  private let client: HTTPClient
  private let reader: Mutex<StardustReader>

  /// A source for the payments to an address.
  ///
  /// - Parameters:
  ///   - nodes: In the order of preference; the next is asked where one fails, the first again once
  ///     it has rested.
  ///   - network: The `networkName` that all nodes must have, as `private_tangle1`; nil: any.
  ///   - address: Where buyers pay: the hash of an Ed25519 key.
  ///   - warn: Takes one sentence for the log, whenever something is amiss that does not end the
  ///     reading.
  ///   - failed: Called for each question that a node has not answered as it should.
  ///   - goesOn: Called on the reading thread at least every 200 ms while it waits for a node, where
  ///     what else that thread has to do may be done; false ends the call with
  ///     ``TangleError/Code/cancelled``, and no later one. It may not call the source.
  ///   - now: The monotonic clock, for rests and retries.
  ///   - random: A number from 0 to 1, for jitter.
  public init(
    nodes: [NodeAddress], network: String?, address: Address,
    warn: @escaping @Sendable (String) -> Void = { _ in },
    failed: @escaping @Sendable () -> Void = {},
    goesOn: @escaping @Sendable () -> Bool = { true },
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
  ) {
    let client = HTTPClient(goesOn: goesOn)
    let endpoints = nodes.map { node in
      RESTEndpoint(
        url: node.url, headers: node.headers.map { .init($0.key, $0.value) }, client: client)
    }
    self.client = client
    reader = Mutex(
      StardustReader(
        pool: StardustPool(
          endpoints: endpoints, network: network, warn: warn, failed: failed,
          now: now, random: random),
        address: address))
  }

  /// See ``PaymentSource/networkIdentifier()``: the `networkName`.
  public func networkIdentifier() throws -> String {
    try reader.withLock { try $0.pool.firstInfo().info.protocol.networkName }
  }

  /// See ``PaymentSource/readPayments(after:isKnown:record:)``.
  ///
  /// Neither `isKnown` nor `record` may call the source. Pages may be empty: milestones without
  /// payments are progress too.
  public func readPayments(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    try reader.withLock { try $0.read(after: position, isKnown: isKnown, record: record) }
  }

  /// See ``PaymentSource/latestCheckpoint()``: the newest confirmed milestone.
  public func latestCheckpoint() throws -> NodeCheckpoint {
    try reader.withLock { reader in
      var mismatch: NetworkMismatch?
      for index in reader.pool.awake {
        do {
          return try reader.pool.newestMilestone(index)
        } catch let error as NetworkMismatch {
          mismatch = mismatch ?? error
        } catch is NodeFailure {
          continue
        }
      }
      throw mismatch ?? reader.pool.noNode
    }
  }

  /// See ``PaymentSource/forEachLatestCheckpoint(besides:_:)``.
  public func forEachLatestCheckpoint(
    besides first: Int, _ body: (NodeCheckpoint) -> Void
  ) throws {
    try reader.withLock { reader in
      for index in reader.pool.awake where index != first {
        do {
          body(try reader.pool.newestMilestone(index))
        } catch is NodeFailure {
          continue
        } catch is NetworkMismatch {
          continue
        }
      }
    }
  }

  /// See ``PaymentSource/cancel()``.
  public func cancel() {
    client.cancel()
  }
}

extension StardustPool {
  /// A node's newest confirmed milestone.
  fileprivate mutating func newestMilestone(_ index: Int) throws -> NodeCheckpoint {
    let info = try info(index)
    var timeS = Int64(info.status.confirmedMilestone.timestamp ?? 0)
    if timeS == 0 {
      // The node has started and received none yet.
      timeS = try ask(index) { (node) throws(RESTError) in try node.time(of: info.newest) }
    }
    return NodeCheckpoint(
      node: index, checkpoint: Checkpoint(sequence: info.newest, timeMs: timeS * 1000))
  }
}

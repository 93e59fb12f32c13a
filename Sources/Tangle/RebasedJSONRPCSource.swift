internal import HTTP
public import PaywallCore
internal import Synchronization

/// Payments read from IOTA Rebased nodes over JSON-RPC, by polling.
///
/// A poll lists the digests of the newest transactions of the address, fetches those that are not
/// known, and goes as deep as the last reading position asks for. It holds no cursor between polls,
/// so nodes may prune, reorder and repeat, and each poll may go to another node.
public final class RebasedJSONRPCSource: PaymentSource {
  private let client: HTTPClient
  private let reader: Mutex<RebasedReader>

  /// A source for the payments to an address.
  ///
  /// - Parameters:
  ///   - nodes: In the order of preference; the next is asked where one fails, the first again once
  ///     it has rested.
  ///   - network: The chain identifier that all nodes must have; nil: any.
  ///   - address: Where buyers pay.
  ///   - warn: Takes one sentence for the log, whenever something is amiss that does not end the
  ///     reading.
  ///   - now: The monotonic clock, for rests and retries.
  ///   - random: A number from 0 to 1, for jitter.
  public init(
    nodes: [NodeAddress], network: String?, address: Address,
    warn: @escaping @Sendable (String) -> Void = { _ in },
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
  ) {
    let client = HTTPClient()
    let pool = NodePool(
      nodes: nodes.map { Node($0, client: client) }, network: network, warn: warn, now: now,
      random: random)
    self.client = client
    reader = Mutex(RebasedReader(pool: pool, address: address))
  }

  /// See ``PaymentSource/networkIdentifier()``.
  public func networkIdentifier() throws -> String {
    try reader.withLock { reader in
      let network = reader.pool.network
      return try reader.pool.ask { node, now in
        try node.networkIdentifier(expected: network, at: now)
      }
    }
  }

  /// See ``PaymentSource/readPayments(after:isKnown:record:)``.
  ///
  /// Neither `isKnown` nor `record` may call the source.
  public func readPayments(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    try reader.withLock { try $0.read(after: position, isKnown: isKnown, record: record) }
  }

  /// See ``PaymentSource/latestCheckpoint()``.
  public func latestCheckpoint() throws -> Checkpoint {
    try reader.withLock { reader in
      try reader.pool.ask { node, _ in
        try RebasedNode(endpoint: node.endpoint).latestCheckpoint()
      }
    }
  }

  /// See ``PaymentSource/cancel()``.
  public func cancel() {
    client.cancel()
  }
}

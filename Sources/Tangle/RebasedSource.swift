internal import HTTP
public import PaywallCore
internal import Synchronization

/// Payments read from IOTA Rebased nodes, by polling.
///
/// A poll lists the digests of the newest transactions of the address, fetches those that are not
/// known, and goes as deep as the last reading position asks for. It holds no cursor between polls,
/// so nodes may prune, reorder and repeat, and each poll may go to another node.
public final class RebasedSource: PaymentSource {
  /// How nodes are spoken to.
  public enum NodeProtocol: Hashable, Sendable, CaseIterable {
    /// JSON-RPC of a full node or an indexer.
    case jsonRPC
    /// GraphQL of an indexer.
    case graphQL
  }

  /// What ends its questions; nil where others do.
  private let client: HTTPClient?
  private let reader: Mutex<RebasedReader>

  /// A source for the payments to an address.
  ///
  /// - Parameters:
  ///   - protocol: That of all the nodes.
  ///   - nodes: In the order of preference; the next is asked where one fails, the first again once
  ///     it has rested.
  ///   - network: The chain identifier that all nodes must have; nil: any.
  ///   - address: Where buyers pay.
  ///   - warn: Takes one sentence for the log when a node begins to fail, when it answers again, and
  ///     when it tells what cannot be right.
  ///   - failed: Called for each question that a node has not answered as it should.
  ///   - goesOn: Called on the reading thread at least every 200 ms while it waits for a node, where
  ///     what else that thread has to do may be done; false ends the call with
  ///     ``TangleError/Code/cancelled``, and no later one. It may not call the source.
  ///   - now: The monotonic clock, for rests and retries.
  ///   - random: A number from 0 to 1, for jitter.
  public init(
    _ protocol: NodeProtocol, nodes: [NodeAddress], network: String?, address: Address,
    warn: @escaping @Sendable (String) -> Void = { _ in },
    failed: @escaping @Sendable () -> Void = {},
    goesOn: @escaping @Sendable () -> Bool = { true },
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
  ) {
    let client = HTTPClient(goesOn: goesOn)
    let pool = NodePool(
      nodes: nodes.map { Node(`protocol`.api(of: $0, client: client)) }, network: network,
      warn: warn, failed: failed, now: now,
      random: random)
    self.client = client
    reader = Mutex(RebasedReader(pool: pool, address: address))
  }

  /// A source that asks the nodes of a pool.
  init(pool: NodePool, address: Address) {
    client = nil
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
  public func latestCheckpoint() throws -> NodeCheckpoint {
    try reader.withLock { reader in
      let (node, checkpoint) = try reader.pool.askFirst { node, _ in
        try node.api.latestCheckpoint()
      }
      return NodeCheckpoint(node: node, checkpoint: checkpoint)
    }
  }

  /// See ``PaymentSource/forEachLatestCheckpoint(besides:_:)``.
  public func forEachLatestCheckpoint(
    besides first: Int, _ body: (NodeCheckpoint) -> Void
  ) throws {
    try reader.withLock { reader in
      for index in reader.pool.awake where index != first {
        do {
          let checkpoint = try reader.pool.ask(index) { node, _ in
            try node.api.latestCheckpoint()
          }
          body(NodeCheckpoint(node: index, checkpoint: checkpoint))
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
    client?.cancel()
  }
}

extension RebasedSource.NodeProtocol {
  func api(of node: NodeAddress, client: HTTPClient) -> any RebasedNode {
    let headers = node.headers.map { HTTPRequest.Header($0.key, $0.value) }
    switch self {
    case .jsonRPC:
      return JSONRPCNode(
        endpoint: JSONRPCEndpoint(url: node.url, headers: headers, client: client))
    case .graphQL:
      return GraphQLNode(
        endpoint: GraphQLEndpoint(url: node.url, headers: headers, client: client))
    }
  }
}

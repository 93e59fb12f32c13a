internal import HTTP
public import PaywallCore
internal import Synchronization

/// Payments that count once several nodes tell the same of them.
///
/// Digest, payer, memo, amount, success, checkpoint and time have to be the same. Each node is read by
/// a source of its own, from where that one stands, so that a node that lags, fails or lies holds up
/// no other. Of `n` nodes of which `agree` have to agree,
///
/// - as many are read at each poll as it takes, `agree` or `n − agree + 1`, whichever is more, and
///   the others where something is open: whoever wants to hide a payment has to own so many nodes
///   (`n − agree + 1`) that it could not be agreed on without them;
/// - the stored position is one that as many have come to, and before all that is open, so that a
///   later reading finds again what not enough nodes tell yet.
public final class AgreeingSource: PaymentSource {
  private let sources: [any PaymentSource]
  private let reader: Mutex<AgreeingReader>

  /// A source for what nodes agree on.
  ///
  /// - Parameters:
  ///   - nodes: In the order of preference.
  ///   - agree: How many of them have to tell the same.
  ///   - warn: Takes one sentence for the log, whenever something is amiss that does not end the
  ///     reading.
  ///   - now: The monotonic clock, for what is asked again.
  ///   - source: Makes the source of one node, which warns where it is told to.
  public init(
    nodes: [NodeAddress], agree: Int, warn: @escaping @Sendable (String) -> Void = { _ in },
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    source: (NodeAddress, _ warn: @escaping @Sendable (String) -> Void) -> any PaymentSource
  ) {
    let names = Self.names(of: nodes)
    let sources = zip(nodes, names).map { node, name in
      source(node) { warn($0.hasPrefix(name) ? $0 : "\(name): \($0)") }
    }
    self.sources = sources
    reader = Mutex(
      AgreeingReader(
        nodes: zip(names, sources).map { AgreeingReader.Node(name: $0, source: $1) },
        agree: agree, warn: warn, now: now))
  }

  /// The nodes' URLs without secrets, with their places where these would be the same.
  private static func names(of nodes: [NodeAddress]) -> [String] {
    let urls = nodes.map { ShownURL($0.url).description }
    return urls.enumerated().map { index, url in
      urls.count { $0 == url } > 1 ? "\(url) (node \(index + 1))" : url
    }
  }

  /// See ``PaymentSource/networkIdentifier()``; the first node that answers.
  public func networkIdentifier() throws -> String {
    try first { _, source in try source.networkIdentifier() }
  }

  /// See ``PaymentSource/readPayments(after:isKnown:record:)``.
  ///
  /// Neither `isKnown` nor `record` may call the source. Where fewer nodes answer than have to agree,
  /// ``TangleError/Code/noNode`` is thrown, after what those have told was taken.
  public func readPayments(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    try reader.withLock { try $0.read(after: position, isKnown: isKnown, record: record) }
  }

  /// See ``PaymentSource/latestCheckpoint()``.
  public func latestCheckpoint() throws -> NodeCheckpoint {
    try first { index, source in
      NodeCheckpoint(node: index, checkpoint: try source.latestCheckpoint().checkpoint)
    }
  }

  /// See ``PaymentSource/forEachLatestCheckpoint(besides:_:)``.
  public func forEachLatestCheckpoint(
    besides node: Int, _ body: (NodeCheckpoint) -> Void
  ) throws {
    for (index, source) in sources.enumerated() where index != node {
      do {
        let answer = try source.latestCheckpoint()
        body(NodeCheckpoint(node: index, checkpoint: answer.checkpoint))
      } catch is NetworkMismatch {
        continue
      } catch let error as TangleError where error.code == .noNode {
        continue
      }
    }
  }

  /// See ``PaymentSource/cancel()``.
  public func cancel() {
    for source in sources { source.cancel() }
  }

  private func first<Answer>(_ question: (Int, any PaymentSource) throws -> Answer) throws -> Answer
  {
    var mismatch: NetworkMismatch?
    var failures: [TangleError] = []
    for (index, source) in sources.enumerated() {
      do {
        return try question(index, source)
      } catch let error as NetworkMismatch {
        mismatch = mismatch ?? error
      } catch let error as TangleError where error.code == .noNode {
        failures.append(error)
      }
    }
    throw mismatch
      ?? TangleError(
        code: .noNode, reasons: failures.flatMap(\.reasons),
        retryAfterMs: failures.map(\.retryAfterMs).min() ?? 0)
  }
}

internal import HTTP

/// The nodes in the order of preference, of which one that is well is asked.
struct NodePool: Sendable {
  private(set) var nodes: [Node]
  let network: String?
  let warn: @Sendable (String) -> Void
  let failed: @Sendable () -> Void
  let now: @Sendable () -> ContinuousClock.Instant
  let random: @Sendable () -> Double

  init(
    nodes: [Node], network: String?, warn: @escaping @Sendable (String) -> Void,
    failed: @escaping @Sendable () -> Void = {},
    now: @escaping @Sendable () -> ContinuousClock.Instant,
    random: @escaping @Sendable () -> Double
  ) {
    self.nodes = nodes
    self.network = network
    self.warn = warn
    self.failed = failed
    self.now = now
    self.random = random
  }

  /// The positions of the nodes that may be asked now.
  var awake: [Int] {
    let now = now()
    return nodes.indices.filter { !nodes[$0].isResting(at: now) }
  }

  /// The answer of the first node that gives one.
  mutating func ask<Answer>(
    _ question: (inout Node, ContinuousClock.Instant) throws -> Answer
  ) throws -> Answer {
    try askFirst(question).answer
  }

  /// The answer of the first node that gives one, and the node's position.
  mutating func askFirst<Answer>(
    _ question: (inout Node, ContinuousClock.Instant) throws -> Answer
  ) throws -> (index: Int, answer: Answer) {
    var mismatch: NetworkMismatch?
    for index in awake {
      do {
        return (index, try ask(index, question))
      } catch let error as NetworkMismatch {
        mismatch = mismatch ?? error
      } catch is NodeFailure {
        continue
      }
    }
    throw mismatch ?? noNode
  }

  /// The answer of one node, which rests if it fails.
  ///
  /// - Throws: ``NodeFailure`` or ``NetworkMismatch`` where the next node may do better; anything
  ///   else has nothing to do with the node.
  mutating func ask<Answer>(
    _ index: Int, networkMaximumAge: Duration = Node.networkCheckInterval,
    _ question: (inout Node, ContinuousClock.Instant) throws -> Answer
  ) throws -> Answer {
    do {
      _ = try nodes[index].networkIdentifier(
        expected: network, at: now(), maximumAge: networkMaximumAge)
      let answer = try question(&nodes[index], now())
      if nodes[index].failures > 0 { warn("\(nodes[index].name): this node answers again") }
      nodes[index].succeeded()
      return answer
    } catch let error as any NodeError {
      guard !error.isCancelled else { throw TangleError.cancelled }
      rest(index, "\(error)", retryAfterSeconds: error.retryAfterSeconds)
      throw NodeFailure()
    } catch let error as NetworkMismatch {
      rest(index, "\(error)", retryAfterSeconds: nil, isMismatch: true)
      throw error
    }
  }

  /// Asks a node for its network, after it has told something new: behind a URL another network may
  /// have appeared, whose payments are not ours.
  ///
  /// - Throws: As ``ask(_:networkMaximumAge:_:)``.
  mutating func confirmNetwork(of index: Int) throws {
    try ask(index, networkMaximumAge: .zero) { _, _ in }
  }

  /// What is to be reported while no node can be asked.
  var noNode: TangleError {
    let now = now()
    let rests = nodes.compactMap(\.rest)
    let wait = rests.map { now.duration(to: $0.until) }.min() ?? .zero
    return TangleError(
      code: .noNode,
      reasons: rests.isEmpty ? ["no node is configured"] : rests.map(\.reason),
      retryAfterMs: rests.count < nodes.count ? 0 : max(0, wait.milliseconds))
  }

  private mutating func rest(
    _ index: Int, _ reason: String, retryAfterSeconds: Int?, isMismatch: Bool = false
  ) {
    failed()
    // Once per outage: the log is not to repeat what has not changed.
    if nodes[index].failures == 0 || isMismatch && nodes[index].rest?.reason != reason {
      warn(reason)
    }
    nodes[index].failed(
      reason, retryAfterSeconds: retryAfterSeconds, at: now(), random: random())
  }
}

/// A node failed, and rests.
struct NodeFailure: Error {}

extension Node {
  /// The node's URL, without its secrets.
  var name: String { api.shownURL.description }
}

extension Duration {
  /// Whole milliseconds, rounded up.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  }
}

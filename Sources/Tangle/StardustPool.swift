internal import HTTP

/// The Stardust nodes in the order of preference, of which those that are well are asked.
struct StardustPool: Sendable {
  private struct Member: Sendable {
    let endpoint: RESTEndpoint
    var failures = 0
    /// When it may be asked again, and why not now.
    var rest: (until: ContinuousClock.Instant, reason: String)?
    /// What is amiss with it that does not keep it from answering.
    var fault: String?
  }

  private var members: [Member]
  let network: String?
  let warn: @Sendable (String) -> Void
  let failed: @Sendable () -> Void
  let now: @Sendable () -> ContinuousClock.Instant
  let random: @Sendable () -> Double

  init(
    endpoints: [RESTEndpoint], network: String?, warn: @escaping @Sendable (String) -> Void,
    failed: @escaping @Sendable () -> Void = {},
    now: @escaping @Sendable () -> ContinuousClock.Instant,
    random: @escaping @Sendable () -> Double
  ) {
    members = endpoints.map { Member(endpoint: $0) }
    self.network = network
    self.warn = warn
    self.failed = failed
    self.now = now
    self.random = random
  }

  /// The positions of the nodes that may be asked now.
  var awake: [Int] {
    let now = now()
    return members.indices.filter { index in
      members[index].rest.map { now >= $0.until } ?? true
    }
  }

  func name(_ index: Int) -> String { members[index].endpoint.shownURL.description }

  /// What the first node that answers says about itself, and its position.
  mutating func firstInfo() throws -> (index: Int, info: StardustNode.Info) {
    var mismatch: NetworkMismatch?
    for index in awake {
      do {
        return (index, try info(index))
      } catch let error as NetworkMismatch {
        mismatch = mismatch ?? error
      } catch is NodeFailure {
        continue
      }
    }
    throw mismatch ?? noNode
  }

  /// What a node says about itself, if it is of the network.
  ///
  /// - Throws: ``NodeFailure`` or ``NetworkMismatch`` where the next node may do better; anything
  ///   else has nothing to do with the node.
  mutating func info(_ index: Int) throws -> StardustNode.Info {
    let info = try ask(index) { (node) throws(RESTError) in try node.info() }
    let found = info.protocol.networkName
    guard let network, found != network else { return info }
    let error = NetworkMismatch(
      node: name(index), expected: network, found: SafeText.line(found, maximumCount: 40))
    rest(index, "\(error)", retryAfterSeconds: 60)
    throw error
  }

  /// The answer of one node, which rests if it fails.
  ///
  /// - Throws: ``NodeFailure``; anything else has nothing to do with the node.
  mutating func ask<Answer>(
    _ index: Int, _ question: (StardustNode) throws(RESTError) -> Answer
  ) throws -> Answer {
    do {
      let answer = try question(StardustNode(endpoint: members[index].endpoint))
      if members[index].failures > 0 { warn("\(name(index)): this node answers again") }
      members[index].failures = 0
      members[index].rest = nil
      return answer
    } catch {
      guard !error.isCancelled else { throw TangleError.cancelled }
      rest(index, "\(error)", retryAfterSeconds: error.retryAfterSeconds)
      throw NodeFailure()
    }
  }

  /// Notes what is amiss with a node that answers, nil for nothing; told once, not at every poll.
  mutating func note(fault: String?, of index: Int) {
    if let fault, fault != members[index].fault { warn("\(name(index)): \(fault)") }
    members[index].fault = fault
  }

  /// What is to be reported while no node can be asked.
  var noNode: TangleError {
    let now = now()
    let rests = members.compactMap(\.rest)
    let wait = rests.map { now.duration(to: $0.until) }.min() ?? .zero
    return TangleError(
      code: .noNode,
      reasons: rests.isEmpty ? ["no node is configured"] : rests.map(\.reason),
      retryAfterMs: rests.count < members.count ? 0 : max(0, wait.milliseconds))
  }

  private mutating func rest(_ index: Int, _ reason: String, retryAfterSeconds: Int?) {
    failed()
    // Once per outage: the log is not to repeat what has not changed.
    if members[index].failures == 0 { warn(reason) }
    let pause = max(
      Backoff.pause(failures: members[index].failures, random: random()),
      .seconds(retryAfterSeconds ?? 0))
    members[index].failures += 1
    members[index].rest = (now() + pause, reason)
  }
}

internal import HTTP
public import PaywallCore

/// Asks one node what a broker would ask it, and more.
///
/// Each probe has a connection of its own, so that several can ask at once, each on its own thread.
public struct NodeProbe: Sendable {
  enum API: Sendable {
    case rebased(any RebasedNode)
    case stardust(StardustNode)
  }

  /// What is known here already, for the node to be compared with.
  public struct Known: Sendable {
    /// Where buyers pay.
    public var address: Address
    /// Transactions that the node should be able to tell, as the first and the last of a ledger.
    public var landmarks: [Digest]
    /// Whether there is a final record of a transaction.
    public var isKnown: @Sendable (Digest) -> Bool

    /// What is known of an address.
    public init(
      address: Address, landmarks: [Digest], isKnown: @escaping @Sendable (Digest) -> Bool
    ) {
      self.address = address
      self.landmarks = landmarks
      self.isKnown = isKnown
    }
  }

  let api: API
  private let place: String
  private let client: HTTPClient

  /// A probe of a node of IOTA Rebased.
  public init(_ protocol: RebasedSource.NodeProtocol, node: NodeAddress) {
    client = HTTPClient()
    place = node.url
    api = .rebased(`protocol`.api(of: node, client: client))
  }

  /// A probe of a Stardust node.
  public init(stardust node: NodeAddress) {
    client = HTTPClient()
    place = node.url
    api = .stardust(
      StardustNode(
        endpoint: RESTEndpoint(
          url: node.url, headers: node.headers.map { .init($0.key, $0.value) }, client: client)))
  }

  /// The node's URL, without its secrets.
  public var url: String { ShownURL(place).description }

  /// Ends a running question within 200 ms, and every later one at once.
  public func cancel() {
    client.cancel()
  }

  /// Asks the node for all that it should tell; what it does not is said in the answer.
  ///
  /// - Parameters:
  ///   - known: What to compare it with.
  ///   - wallMs: This machine's clock, in Unix milliseconds.
  /// - Returns: The answers up to the first that did not come.
  public func survey(_ known: Known, wallMs: () -> Int64) -> NodeSurvey {
    var survey = NodeSurvey(url: url, place: place)
    do {
      switch api {
      case .rebased(let node): try ask(node, known, wallMs, &survey)
      case .stardust(let node): try ask(node, wallMs, &survey)
      }
    } catch let error as any NodeError {
      survey.failure = error.reason
    } catch {
      survey.failure = "\(error)"
    }
    return survey
  }

  private func ask(
    _ node: any RebasedNode, _ known: Known, _ wallMs: () -> Int64, _ survey: inout NodeSurvey
  ) throws {
    var node = node
    let began = ContinuousClock.now
    survey.network = SafeText.line(try node.networkIdentifier(), maximumCount: 40)
    survey.firstAnswerMs = (ContinuousClock.now - began).milliseconds
    guard survey.take(try node.latestCheckpoint(), wallMs: wallMs()) else { return }
    survey.lost = try known.landmarks.filter { try !node.canTell($0, seller: known.address) }
    let entries = try node.listing(to: known.address, after: nil).entries
    let unread = entries.filter { !known.isKnown($0.digest) }
    let ageless = unread.filter { $0.checkpoint == nil }.map(\.digest)
    let ages = try ageless.isEmpty ? [:] : node.checkpoints(of: ageless)
    survey.unread = unread.map { entry in
      NodeSurvey.Unread(
        digest: entry.digest, checkpoint: entry.checkpoint ?? ages[entry.digest])
    }
  }

  private func ask(
    _ node: StardustNode, _ wallMs: () -> Int64, _ survey: inout NodeSurvey
  ) throws {
    let began = ContinuousClock.now
    let info = try node.info()
    survey.firstAnswerMs = (ContinuousClock.now - began).milliseconds
    survey.network = SafeText.line(info.protocol.networkName, maximumCount: 40)
    survey.isHealthy = info.status.isHealthy
    let timeS = try node.time(of: info.newest)
    _ = survey.take(Checkpoint(sequence: info.newest, timeMs: timeS * 1000), wallMs: wallMs())
    guard info.pruned > 0, info.newest > info.pruned else { return }
    let oldestS = try node.time(of: info.pruned + 1)
    survey.oldest = Checkpoint(sequence: info.pruned + 1, timeMs: oldestS * 1000)
  }
}

extension NodeSurvey {
  /// Notes the newest checkpoint, where it can be one.
  fileprivate mutating func take(_ checkpoint: Checkpoint, wallMs: Int64) -> Bool {
    guard checkpoint.sequence >= 0, (0...TransactionBlock.latestTimeMs).contains(checkpoint.timeMs)
    else {
      failure = "the number or the time of its newest checkpoint is impossible"
      return false
    }
    newest = checkpoint
    skewMs = checkpoint.timeMs &- wallMs
    return true
  }
}

extension RebasedNode {
  /// What the node tells of a transaction; nil where it says that there is none.
  func judgement(of digest: Digest, seller: Address) throws -> Judgement? {
    do {
      let blocks = try transactions([digest])
      return blocks.first { Digest($0.digest) == digest }?.judged(as: digest, seller: seller)
    } catch let error as any NodeError where error.isRefusal {
      return nil
    }
  }

  fileprivate func canTell(_ digest: Digest, seller: Address) throws -> Bool {
    guard case .clear? = try judgement(of: digest, seller: seller) else { return false }
    return true
  }
}

internal import PaywallCore

/// Reads node after node, and hands over what enough of them agree on.
struct AgreeingReader: Sendable {
  /// A node and how far it was read.
  struct Node: Sendable {
    let name: String
    let source: any PaymentSource
    fileprivate var position: ReadingPosition?
    /// Whether it did not answer when it was last asked.
    fileprivate var isFailing = false
    /// Whether it told otherwise than those that agreed; said once, until it agrees again.
    fileprivate var isDissenting = false

    init(name: String, source: any PaymentSource) {
      self.name = name
      self.source = source
    }
  }

  private var nodes: [Node]
  private let agree: Int
  private let warn: @Sendable (String) -> Void
  private let now: @Sendable () -> ContinuousClock.Instant

  private var agreement: Agreement
  /// Agreed on and not recorded yet.
  private var ready: [Digest: Payment] = [:]
  private var readyPending: [Payment] = []
  /// The position of the last page that was recorded.
  private var stored: ReadingPosition?

  init(
    nodes: [Node], agree: Int, warn: @escaping @Sendable (String) -> Void,
    now: @escaping @Sendable () -> ContinuousClock.Instant
  ) {
    self.nodes = nodes
    self.agree = agree
    self.warn = warn
    self.now = now
    agreement = Agreement(agree: agree)
  }

  /// How many nodes are read at each poll.
  private var enough: Int { min(nodes.count, max(agree, nodes.count - agree + 1)) }

  /// Those that failed come last, so that they hold up no other.
  private var order: [Int] {
    nodes.indices.filter { !nodes[$0].isFailing } + nodes.indices.filter { nodes[$0].isFailing }
  }

  mutating func read(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    begin(at: position)
    try handOver(record)
    let again = agreement.beginAskingAgain(at: now())
    var heardCount = 0
    var mismatch: NetworkMismatch?
    var waits: [Int64] = []
    defer { agreement.endRound(isWhole: heardCount >= enough, at: now()) }
    for index in order {
      let isNeeded =
        nodes[index].isFailing || heardCount < enough || again != nil
        || agreement.hasNews(at: now())
      guard isNeeded else { continue }
      do {
        try read(index, from: again, isKnown: isKnown, record: record)
        nodes[index].isFailing = false
        heardCount += 1
      } catch let error as NetworkMismatch {
        nodes[index].isFailing = true
        mismatch = mismatch ?? error
      } catch let error as TangleError where error.code == .noNode {
        nodes[index].isFailing = true
        waits.append(error.retryAfterMs)
      }
    }
    warnOfDisputes()
    guard heardCount >= agree else {
      throw mismatch ?? tooFew(heardCount, retryAfterMs: waits.min() ?? 0)
    }
  }

  /// Goes on from where the consumer stands.
  private mutating func begin(at position: ReadingPosition) {
    defer { stored = position }
    for index in nodes.indices {
      // A node that was not asked for long goes on where the others came to, and where the consumer
      // has gone back, so do all.
      let isBehind = (nodes[index].position?.checkpoint ?? -1) < (position.checkpoint ?? -1)
      if stored != position || isBehind { nodes[index].position = position }
    }
  }

  /// Reads one node, back to the checkpoint of what the nodes are asked about again, if any.
  private mutating func read(
    _ index: Int, from again: Int64?, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    guard let stored, var start = nodes[index].position else { return }
    if let again, again <= start.checkpoint ?? -1 {
      let lowest = max(again - 1, stored.checkpoint ?? -1)
      start.checkpoint = lowest < 0 ? nil : lowest
    }
    try nodes[index].source.readPayments(
      after: start,
      isKnown: { try isHeard($0, from: index) || isKnown($0) },
      record: { page in
        for payment in page.payments where try !isSettled(payment.digest, isKnown) {
          take(payment, from: index)
        }
        if page.position.checkpoint ?? -1 > nodes[index].position?.checkpoint ?? -1 {
          nodes[index].position = page.position
        }
        try handOver(record)
      })
  }

  private func isHeard(_ digest: Digest, from index: Int) -> Bool {
    agreement.hasFinalWord(of: index, on: digest) || isReady(digest)
  }

  private func isSettled(_ digest: Digest, _ isKnown: (Digest) throws -> Bool) throws -> Bool {
    try isReady(digest) || isKnown(digest)
  }

  private func isReady(_ digest: Digest) -> Bool {
    ready[digest] != nil
  }

  private mutating func take(_ payment: Payment, from index: Int) {
    switch agreement.take(payment, from: index, at: now()) {
    case .open: break
    case .pending(let payment):
      if !readyPending.contains(where: { $0.digest == payment.digest }) {
        readyPending.append(payment)
      }
    case .agreed(let payment, let agreeing, let dissent):
      ready[payment.digest] = payment
      readyPending.removeAll { $0.digest == payment.digest }
      for node in agreeing { nodes[node].isDissenting = false }
      warnOfDissent(dissent, payment, agreeing)
    }
  }

  // MARK: - Handing over

  private mutating func handOver(_ record: (PaymentPage) throws -> Void) throws {
    var rest = ready.values.sorted {
      ($0.checkpoint?.sequence ?? 0, $0.digest) < ($1.checkpoint?.sequence ?? 0, $1.digest)
    }[...]
    while !rest.isEmpty, let stored {
      let page = rest.prefix(PageBuffer.longestPage)
      rest = rest.dropFirst(page.count)
      let position = reached(from: stored, before: rest.first?.checkpoint)
      try record(PaymentPage(payments: Array(page), position: position))
      self.stored = position
      for payment in page { ready[payment.digest] = nil }
    }
    readyPending.sort { $0.digest < $1.digest }
    while !readyPending.isEmpty, let stored {
      let page = Array(readyPending.prefix(PageBuffer.pageSize))
      try record(PaymentPage(payments: page, position: stored))
      readyPending.removeFirst(page.count)
      for payment in page { agreement.toldAsPending(payment.digest) }
    }
  }

  /// The position that enough nodes have come to, and before all that is open.
  private mutating func reached(
    from stored: ReadingPosition, before rest: Checkpoint?
  ) -> ReadingPosition {
    let places = nodes.map { $0.position?.checkpoint ?? -1 }.sorted(by: >)
    let limits = [rest?.sequence, agreement.positionLimit()].compactMap { $0.map { $0 - 1 } }
    let reached = ([places.prefix(enough).last ?? -1] + limits).min() ?? -1
    var position = stored
    if reached > stored.checkpoint ?? -1 { position.checkpoint = reached }
    return position
  }

  // MARK: - Warnings

  private mutating func warnOfDissent(
    _ dissent: [Int: Payment], _ payment: Payment, _ agreeing: Set<Int>
  ) {
    for (index, word) in dissent.sorted(by: { $0.key < $1.key }) where !nodes[index].isDissenting {
      nodes[index].isDissenting = true
      guard let one = agreeing.min() else { continue }
      let difference = Dispute.describe([index: word, one: payment], names: nodes.map(\.name))
      warn(
        "transaction \(payment.digest) counts as \(agreeing.count) nodes tell it, though "
          + "\(nodes[index].name) tells otherwise: \(difference)")
    }
  }

  private mutating func warnOfDisputes() {
    let disputes = agreement.takeDisputes(at: now())
    guard let (digest, first) = disputes.first else { return }
    let difference = Dispute.describe(first.reports, names: nodes.map(\.name))
    warn(
      "\(disputes.count) \(disputes.count == 1 ? "transaction does" : "transactions do") not count "
        + "yet, for fewer than \(agree) nodes tell the same; the first is \(digest): \(difference)")
  }

  private func tooFew(_ count: Int, retryAfterMs: Int64) -> TangleError {
    let silent = nodes.filter(\.isFailing).map(\.name).joined(separator: ", ")
    let reason =
      "no new payment counts: \(agree) nodes have to agree, and \(count) of \(nodes.count) "
      + "\(count == 1 ? "answers" : "answer"); silent: \(silent)"
    return TangleError(code: .tooFewNodes, reasons: [reason], retryAfterMs: retryAfterMs)
  }
}

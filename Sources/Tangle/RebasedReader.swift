internal import HTTP
internal import PaywallCore

/// Reads what is new from whichever node answers, and remembers what is still open.
struct RebasedReader: Sendable {
  var pool: NodePool
  let address: Address

  /// Transactions that a node named but that could not be judged, or are not final yet.
  private var open = OpenTransactions()
  /// Checkpoints of listed transactions, so that their age need not be asked again.
  var ages: [Digest: Checkpoint] = [:]
  private static let maximumAges = 10_000
  /// What was read up to in this process, valid while the consumer's position is the one given.
  private var progress: (position: ReadingPosition, covered: Int64?)?

  init(pool: NodePool, address: Address) {
    self.pool = pool
    self.address = address
  }

  mutating func read(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    var position = position
    var hasRead = false
    var mismatch: NetworkMismatch?
    for index in pool.awake {
      do {
        let isComplete = try read(from: index, after: position, isKnown: isKnown) { page in
          try record(page)
          position = page.position
        }
        if isComplete { return }
        hasRead = true  // The next node may list what this one did not.
      } catch let error as NetworkMismatch {
        mismatch = mismatch ?? error
      } catch is NodeFailure {
        continue  // What was recorded is known to the next node's reading.
      }
    }
    if !hasRead { throw mismatch ?? pool.noNode }
  }

  /// Reads from one node; true where it listed all that it had to.
  private mutating func read(
    from index: Int, after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws -> Bool {
    let covered = progress?.position == position ? progress?.covered : nil
    var listing = DigestListing(
      address: address, sinceMs: position.sinceMs, ages: ages,
      // After a start, a wider overlap makes up for what a failing node may have hidden before it.
      cutoff: covered.map { $0 - DigestListing.overlap }
        ?? position.checkpoint.map { $0 - DigestListing.firstOverlap })
    try pool.ask(index) { node, _ in
      try listing.list(RebasedNode(endpoint: node.endpoint), isKnown: isKnown)
    }
    ages = listing.ages
    if let fault = listing.fault { pool.warn("\(pool.nodes[index].name): \(fault)") }
    let due = try open.due(at: pool.now(), isKnown: isKnown)
    let found = listing.unknown.reversed().filter { !open.contains($0) }
    var pages = PageWriter(
      position: position, covered: covered, isComplete: listing.isComplete)
    try handOver(due + found, from: index, in: &pages, record: record)
    progress = (pages.position, listing.isComplete ? pages.covered : covered)
    return listing.isComplete
  }

  /// Fetches, judges and records transactions, oldest first.
  private mutating func handOver(
    _ digests: [Digest], from index: Int, in pages: inout PageWriter,
    record: (PaymentPage) throws -> Void
  ) throws {
    var buffer = PageBuffer()
    var pending: [Payment] = []
    for start in stride(from: 0, to: digests.count, by: RebasedNode.pageSize) {
      let batch = digests[start..<min(start + RebasedNode.pageSize, digests.count)]
      for (digest, judgement) in try judge(Array(batch), from: index) {
        sort(digest, judgement, sinceMs: pages.position.sinceMs, into: &buffer, &pending)
      }
      while let page = buffer.nextPage(atEnd: false) {
        try finish(page, in: &pages, record: record)
      }
    }
    while let page = buffer.nextPage(atEnd: true) {
      try finish(page, in: &pages, record: record)
    }
    pending.sort { $0.digest < $1.digest }
    for start in stride(from: 0, to: pending.count, by: PageBuffer.pageSize) {
      let some = pending[start..<min(start + PageBuffer.pageSize, pending.count)]
      try record(PaymentPage(payments: Array(some), position: pages.position))
      open.handedOver(some.map(\.digest))
    }
  }

  private mutating func sort(
    _ digest: Digest, _ judgement: Judgement, sinceMs: Int64, into buffer: inout PageBuffer,
    _ pending: inout [Payment]
  ) {
    switch judgement {
    case .clear(let payment):
      guard let checkpoint = payment.checkpoint else {
        let isNew = open.addPending(digest, at: pool.now())
        if isNew, payment.rejection == nil { pending.append(payment) }
        return
      }
      // Only the newest matter to the next listing; a long history need not stay in memory.
      if ages.count >= Self.maximumAges { ages = [:] }
      ages[digest] = checkpoint
      guard checkpoint.timeMs >= sinceMs else {
        open.remove(digest)
        return
      }
      buffer.insert(payment, at: checkpoint)
    case .unclear(let reason, let checkpoint):
      if open.addUnclear(digest, checkpoint: checkpoint, at: pool.now()) {
        pool.warn("transaction \(digest) cannot be judged yet, and is asked for again: \(reason)")
      }
    }
  }

  private mutating func finish(
    _ page: (payments: [Payment], covered: Int64), in pages: inout PageWriter,
    record: (PaymentPage) throws -> Void
  ) throws {
    let next = pages.next(page, limit: open.positionLimit(besides: page.payments))
    try record(next)
    pages.recorded(next, covered: page.covered)
    for payment in page.payments { open.remove(payment.digest) }
  }

  /// Judges each of the transactions, if need be with the help of the other nodes.
  private mutating func judge(
    _ digests: [Digest], from index: Int
  ) throws -> [(digest: Digest, judgement: Judgement)] {
    var judgements = try ask(index, about: digests)
    for other in pool.awake where other != index {
      let unclear = digests.filter { judgements[$0]?.isClear != true }
      guard !unclear.isEmpty else { break }
      do {
        judgements.merge(try ask(other, about: unclear)) { $1.isClear ? $1 : $0 }
      } catch is NodeFailure {
        continue
      } catch is NetworkMismatch {
        continue
      }
    }
    return digests.map { digest in
      (
        digest,
        judgements[digest] ?? .unclear(reason: "the node did not return it", checkpoint: nil)
      )
    }
  }

  private mutating func ask(
    _ index: Int, about digests: [Digest]
  ) throws -> [Digest: Judgement] {
    let wanted = Set(digests)
    let seller = address
    return try pool.ask(index) { node, _ in
      var judgements: [Digest: Judgement] = [:]
      for block in try RebasedNode(endpoint: node.endpoint).transactions(digests) {
        guard let digest = Digest(block.digest), wanted.contains(digest) else { continue }
        judgements[digest] = block.judged(as: digest, seller: seller)
      }
      return judgements
    }
  }
}

extension Judgement {
  fileprivate var isClear: Bool {
    if case .clear = self { true } else { false }
  }
}

/// Tells each page's position: never behind the last, never beyond what is still open.
private struct PageWriter {
  private(set) var position: ReadingPosition
  let isComplete: Bool
  /// The highest checkpoint that was read up to, open transactions or not.
  private(set) var covered: Int64?

  init(position: ReadingPosition, covered: Int64?, isComplete: Bool) {
    self.position = position
    self.covered = covered ?? position.checkpoint
    self.isComplete = isComplete
  }

  func next(_ page: (payments: [Payment], covered: Int64), limit: PositionLimit) -> PaymentPage {
    var next = position
    let covered = max(page.covered, covered ?? 0)
    let reached: Int64? =
      switch limit {
      case .none: covered
      case .at(let checkpoint): min(covered, checkpoint)
      case .stay: nil
      }
    if isComplete, let reached, reached >= 0 {
      next.checkpoint = max(position.checkpoint ?? 0, reached)
    }
    return PaymentPage(payments: page.payments, position: next)
  }

  mutating func recorded(_ page: PaymentPage, covered: Int64) {
    position = page.position
    self.covered = max(self.covered ?? 0, covered)
  }
}

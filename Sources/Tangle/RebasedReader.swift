internal import PaywallCore

/// Reads what is new from whichever node answers, and remembers what is still open.
struct RebasedReader: Sendable {
  var pool: NodePool
  let address: Address

  /// Transactions that a node named but that could not be judged, or are not final yet.
  private var open = OpenTransactions()
  /// Checkpoints of listed transactions, so that their age need not be asked again.
  private var ages: [Digest: Checkpoint] = [:]
  private static let maximumAges = 10_000
  /// How many transactions are asked about at once.
  private static let batchSize = 50
  private var lastFault: String?
  private var interrupted: (node: Int, listing: DigestListing)?
  /// What was read up to in this process, valid while the consumer's position is the one given.
  private var progress: Progress?

  private struct Progress: Sendable {
    var position: ReadingPosition
    var covered: Int64?
    /// Since when it has been that much.
    var since: ContinuousClock.Instant
  }

  /// So long after the newest payment, no earlier one is expected to turn up beside it, and idle
  /// polls are spared the overlap; but now and then one takes it all the same.
  private static let settlingTime = Duration.seconds(30)
  private static let deepInterval = Duration.seconds(60)
  private var deepListedAt: ContinuousClock.Instant?

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
    let known = progress.flatMap { $0.position == position ? $0 : nil }
    let covered = known?.covered
    let isSettled = known.map { pool.now() - $0.since > Self.settlingTime } == true
    // After a start, a wider overlap makes up for what a failing node may have hidden before it.
    let cutoff =
      covered.map { $0 - DigestListing.overlap }
      ?? position.checkpoint.map { $0 - DigestListing.firstOverlap }
    let isDeep = deepListedAt.map { pool.now() - $0 >= Self.deepInterval } ?? true
    var listing = try list(
      from: index, after: position, cutoff: cutoff,
      idleCutoff: isSettled && !isDeep ? covered : nil, isKnown: isKnown)
    if !listing.unknown.isEmpty || listing.fault != nil {
      do {
        try pool.confirmNetwork(of: index)
      } catch is NodeFailure {
        interrupted = (index, listing)
        throw NodeFailure()
      }
    }
    if isDeep, listing.isComplete { deepListedAt = pool.now() }
    ages = listing.listedAges
    // Once, not at every poll.
    if let fault = listing.fault, fault != lastFault {
      pool.warn("\(pool.nodes[index].name): \(fault)")
    }
    lastFault = listing.fault
    let due = try open.due(at: pool.now(), isKnown: isKnown)
    // A listing that was interrupted may hold what has become known since.
    let found = try listing.unknown.reversed().filter { try !open.contains($0) && !isKnown($0) }
    var pages = PageWriter(
      position: position, covered: covered, isComplete: listing.isComplete)
    // What was open comes last: it may be newer than what a failure would leave unread.
    let failure = try handOver(found + due, from: index, in: &pages, record: record)
    let reached = listing.isComplete ? pages.covered : covered
    let since = reached == covered ? known?.since : nil
    progress = Progress(position: pages.position, covered: reached, since: since ?? pool.now())
    if let failure {
      listing.position = pages.position
      interrupted = (index, listing)
      throw failure
    }
    return listing.isComplete
  }

  /// Lists what is new, or goes on with a listing that the node's failure interrupted.
  private mutating func list(
    from index: Int, after position: ReadingPosition, cutoff: Int64?, idleCutoff: Int64?,
    isKnown: (Digest) throws -> Bool
  ) throws -> DigestListing {
    var listing =
      takeInterrupted(at: index, position)
      ?? DigestListing(
        address: address, position: position, ages: ages, cutoff: cutoff, idleCutoff: idleCutoff)
    do {
      while !listing.hasEnded {
        try pool.ask(index) { node, _ in
          try listing.listPage(node.api, isKnown: isKnown)
        }
      }
    } catch {
      if listing.hasBegun { interrupted = (index, listing) }
      throw error
    }
    return listing
  }

  /// The listing that a failure of this node interrupted, or of which it has not told all.
  ///
  /// Another node's order may differ, so it begins anew.
  private mutating func takeInterrupted(
    at index: Int, _ position: ReadingPosition
  ) -> DigestListing? {
    guard let (node, listing) = interrupted, node == index, listing.position == position else {
      return nil
    }
    interrupted = nil
    return listing
  }

  /// Fetches, judges and records transactions, oldest first.
  ///
  /// - Returns: The node's failure, should it end before the last; what it told is recorded.
  private mutating func handOver(
    _ digests: [Digest], from index: Int, in pages: inout PageWriter,
    record: (PaymentPage) throws -> Void
  ) throws -> (any Error)? {
    var buffer = PageBuffer(backlog: digests.count)
    var handedOverAt = pool.now()
    var failure: (any Error)?
    var pending: [Payment] = []
    let warnUnclear = pool.warn
    var unclear = UnclearCount()
    defer { unclear.report(to: warnUnclear) }
    for start in stride(from: 0, to: digests.count, by: Self.batchSize) {
      let batch = digests[start..<min(start + Self.batchSize, digests.count)]
      let judgements: [(digest: Digest, judgement: Judgement)]
      do {
        judgements = try judge(Array(batch), from: index)
      } catch let error where error is NodeFailure || error is NetworkMismatch {
        failure = error
        break
      }
      for (digest, judgement) in judgements {
        sort(digest, judgement, sinceMs: pages.position.sinceMs, into: &buffer, &pending, &unclear)
      }
      while let page = buffer.nextPage(
        atEnd: false, isOverdue: pool.now() - handedOverAt >= PageBuffer.longestWait)
      {
        try finish(page, in: &pages, record: record)
        handedOverAt = pool.now()
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
    return failure
  }

  private mutating func sort(
    _ digest: Digest, _ judgement: Judgement, sinceMs: Int64, into buffer: inout PageBuffer,
    _ pending: inout [Payment], _ unclear: inout UnclearCount
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
      let place = checkpoint ?? ages[digest]?.sequence
      if open.addUnclear(digest, checkpoint: place, at: pool.now()) {
        unclear.add(digest, reason)
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
      for block in try node.api.transactions(digests) {
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

/// The transactions of a reading that could not be judged, for one warning about all of them.
private struct UnclearCount {
  private var count = 0
  private var example = ""

  mutating func add(_ digest: Digest, _ reason: String) {
    if count == 0 { example = "\(digest): \(reason)" }
    count += 1
  }

  func report(to warn: (String) -> Void) {
    guard count > 0 else { return }
    warn(
      "\(count) \(count == 1 ? "transaction" : "transactions") cannot be judged yet, and will be"
        + " asked for again; the first is \(example)")
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

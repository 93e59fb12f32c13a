internal import HTTP
internal import PaywallCore

/// Reads milestone after milestone from whichever node answers, and remembers what is missing.
struct StardustReader: Sendable {
  var pool: StardustPool
  let address: Address

  /// What was read in this process, valid while the consumer's position is the one of the page that
  /// was recorded last.
  private var progress: StardustProgress?
  /// So many milestones without payments are progress worth recording.
  private static let idleStep: Int64 = 100
  /// A node that is as many milestones behind what was read is not only a little late.
  private static let tolerableLag: Int64 = 10

  init(pool: StardustPool, address: Address) {
    self.pool = pool
    self.address = address
  }

  /// What reading from a node came to.
  private enum Outcome {
    case complete
    /// The next node may have more.
    case partial
    /// The node has pruned what is to be read next.
    case pruned
  }

  mutating func read(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    if progress?.position != position { progress = nil }
    var hasRead = false
    var mismatch: NetworkMismatch?
    // Milestones are given up for a gap only after all nodes were asked.
    for skipsPruned in [false, true] {
      var isPrunedAnywhere = false
      for index in pool.awake {
        do {
          switch try read(
            from: index, after: position, skipsPruned: skipsPruned, isKnown: isKnown,
            record: record)
          {
          case .complete where progress?.gap == nil: return
          case .complete, .partial: hasRead = true  // The next one may have what is missing.
          case .pruned: isPrunedAnywhere = true
          }
        } catch let error as NetworkMismatch {
          mismatch = mismatch ?? error
        } catch is NodeFailure {
          continue  // What was recorded is progress for the next node's reading.
        }
      }
      if !isPrunedAnywhere { break }
    }
    if !hasRead { throw mismatch ?? pool.noNode }
  }

  private mutating func read(
    from index: Int, after position: ReadingPosition, skipsPruned: Bool,
    isKnown: (Digest) throws -> Bool, record: (PaymentPage) throws -> Void
  ) throws -> Outcome {
    let info = try pool.info(index)
    guard var current = try progress ?? begin(after: position, at: index, info) else {
      return .partial
    }
    let isPruned = current.covered < info.pruned
    // Where to begin, too, the others know better.
    guard skipsPruned || !isPruned else { return .pruned }
    defer { progress = current }
    if isPruned {
      current.skip(to: info.pruned)
      pool.warn(Self.warning(ofGap: current))
    }
    let gapFault = try readMissing(
      of: &current, from: index, info, isKnown: isKnown, record: record)
    for milestone in Self.milestones(current.covered + 1, info.newest) {
      try read(milestone, of: &current, from: index, isKnown: isKnown, record: record) {
        $0.covered = milestone
      }
    }
    let lag = current.covered - info.newest
    pool.note(fault: gapFault ?? Self.fault(info, lag: lag), of: index)
    return info.status.isHealthy && lag <= 0 ? .complete : .partial
  }

  /// Where reading begins; nil where the node has no milestone to tell it by.
  private mutating func begin(
    after position: ReadingPosition, at index: Int, _ info: StardustNode.Info
  ) throws -> StardustProgress? {
    guard info.newest > info.pruned else { return nil }
    var low = info.pruned + 1
    var high = info.newest + 1
    while low < high {
      let middle = (low + high) / 2
      let timeS = try pool.ask(index) { (node) throws(RESTError) in try node.time(of: middle) }
      if timeS < position.sinceS { low = middle + 1 } else { high = middle }
    }
    // Where nothing that is left is too old, what was pruned may not be either.
    let first = low > info.pruned + 1 ? low : 1
    return StardustProgress(after: position, from: first)
  }

  /// Reads what was missing before, as far as this node has it.
  ///
  /// - Returns: What is amiss.
  private mutating func readMissing(
    of current: inout StardustProgress, from index: Int, _ info: StardustNode.Info,
    isKnown: (Digest) throws -> Bool, record: (PaymentPage) throws -> Void
  ) throws -> String? {
    for milestone in current.due(at: pool.now())
    where milestone > info.pruned && milestone <= info.newest {
      try read(milestone, of: &current, from: index, isKnown: isKnown, record: record) { _ in }
    }
    guard let gap = current.gap else { return nil }
    if info.pruned < gap.lowerBound {
      for milestone in Self.milestones(gap.lowerBound, min(gap.upperBound, info.newest)) {
        try read(milestone, of: &current, from: index, isKnown: isKnown, record: record) {
          $0.closeGap(upTo: milestone)
        }
      }
    } else if !current.isGapSearched {
      return try search(gap, of: &current, at: index, info, isKnown: isKnown, record: record)
    }
    return nil
  }

  /// Records what one milestone paid; `advance` notes that it was read.
  private mutating func read(
    _ milestone: Int64, of current: inout StardustProgress, from index: Int,
    isKnown: (Digest) throws -> Bool, record: (PaymentPage) throws -> Void,
    advance: (inout StardustProgress) -> Void
  ) throws {
    var reading = StardustMilestone(number: milestone, address: address)
    let payments = try reading.payments(
      in: &pool, from: index, sinceS: current.position.sinceS, isKnown: isKnown)
    if let fault = reading.fault, !current.isMissing(milestone) {
      pool.warn(
        "\(pool.name(index)): milestone \(milestone) cannot be read wholly, and will be asked for "
          + "again: \(fault)")
    }
    var next = current
    next.note(milestone, isMissing: reading.fault != nil, at: pool.now())
    advance(&next)
    try Self.handOver(payments, &current, next: next, record: record)
  }

  /// Records payments in pages, the last one with the position that they lead to.
  private static func handOver(
    _ payments: [Payment], _ current: inout StardustProgress, next: StardustProgress,
    record: (PaymentPage) throws -> Void
  ) throws {
    var rest = payments[...]
    while rest.count > PageBuffer.pageSize {
      let page = rest.prefix(PageBuffer.pageSize)
      try record(PaymentPage(payments: Array(page), position: current.position))
      rest = rest.dropFirst(page.count)
    }
    let position = next.reached
    let step = (position.checkpoint ?? 0) - (current.position.checkpoint ?? 0)
    var next = next
    let isGapClosed = current.gap != nil && next.gap == nil
    if !rest.isEmpty || step >= idleStep || isGapClosed {
      try record(PaymentPage(payments: Array(rest), position: position))
      next.position = position
    }
    current = next
  }

  /// Finds the payments of a gap that are not spent yet.
  ///
  /// - Returns: Why it could not be done.
  private mutating func search(
    _ gap: ClosedRange<Int64>, of current: inout StardustProgress, at index: Int,
    _ info: StardustNode.Info, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws -> String? {
    let (address, prefix) = (address, info.protocol.bech32Hrp)
    let afterS = max(0, current.position.sinceS - 1)
    let found = try pool.ask(index) { (node) throws(RESTError) -> [StardustOutputID]? in
      do throws(RESTError) {
        return try node.unspentOutputs(of: address, prefix: prefix, after: afterS)
      } catch {
        // The indexer is a program of its own, which may be missing beside a node that is well.
        guard error.code == .transport else { return nil }
        throw error
      }
    }
    guard let found else {
      return "its indexer does not tell what was paid in the milestones that are pruned"
    }
    var reading = StardustMilestone(number: nil, address: address)
    let payments = try reading.payments(
      of: found, in: &pool, from: index, sinceS: current.position.sinceS, isKnown: isKnown
    ).filter { $0.checkpoint.map { gap.contains($0.sequence) } ?? false }
    var next = current
    next.isGapSearched = reading.fault == nil
    try Self.handOver(payments, &current, next: next, record: record)
    return reading.fault
  }

  private static func milestones(_ first: Int64, _ last: Int64) -> Range<Int64> {
    first..<max(first, last + 1)
  }

  private static func fault(_ info: StardustNode.Info, lag: Int64) -> String? {
    if !info.status.isHealthy {
      return "it says that it is not healthy, so what was paid last may be missing"
    }
    return lag > tolerableLag
      ? "its newest milestone is \(info.newest), which is \(lag) behind what was read already" : nil
  }

  private static func warning(ofGap progress: StardustProgress) -> String {
    let range = progress.gap.map { "\($0.lowerBound) to \($0.upperBound)" } ?? ""
    return "no node has milestones \(range) any more: payments in them count only where they are "
      + "not spent yet; name a node that has them, or a later 'since'"
  }
}

extension ReadingPosition {
  /// The time from which on payments count, in whole Unix seconds as milestones have them.
  var sinceS: Int64 { max(0, sinceMs) / 1000 }
}

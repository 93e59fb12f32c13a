internal import PaywallCore

/// What several nodes tell of transactions, until enough of them tell the same.
struct Agreement: Sendable {
  /// What a node's word leads to.
  enum Outcome: Sendable {
    /// Not enough nodes tell the same yet.
    case open
    /// Enough know it, but not enough call it final. Said once.
    case pending(Payment)
    /// Enough tell the same; what other nodes tell instead.
    case agreed(Payment, by: Set<Int>, dissent: [Int: Payment])
  }

  /// So much later than others a node may tell of a transaction before that is remarkable.
  static let patience = Duration.seconds(30)
  private static let longestPause = Duration.seconds(3600)

  let agree: Int
  private(set) var open: [Digest: OpenPayment] = [:]
  /// No checkpoint of an open transaction is lower; it may have been that of one no longer open.
  private var floor: Int64?
  private var settledCount = 0
  private var askedAgainAt: ContinuousClock.Instant?

  init(agree: Int) {
    self.agree = agree
  }

  /// Whether a node has told all it has to tell of a transaction.
  func hasFinalWord(of node: Int, on digest: Digest) -> Bool {
    guard let entry = open[digest], !entry.nodesToAskAgain.contains(node) else { return false }
    return entry.reports[node]?.checkpoint != nil
  }

  /// Whether something was told of late that other nodes may bear out.
  func hasNews(at now: ContinuousClock.Instant) -> Bool {
    open.values.contains { !$0.isOld(at: now) }
  }

  /// Takes a node's word, of which the last counts; what is agreed on is no longer open.
  mutating func take(
    _ payment: Payment, from node: Int, at now: ContinuousClock.Instant
  ) -> Outcome {
    var entry = open[payment.digest] ?? OpenPayment()
    // What is final does not become pending again.
    let earlier = entry.reports[node]
    guard payment.checkpoint != nil || earlier?.checkpoint == nil else { return .open }
    // Others may follow soon.
    if earlier?.checkpoint != payment.checkpoint { entry.openSince = nil }
    entry.reports[node] = payment
    entry.nodesToAskAgain.remove(node)
    if let nodes = entry.nodes(telling: payment), nodes.count >= agree {
      open[payment.digest] = nil
      settledCount += 1
      let dissent = entry.reports.filter {
        !nodes.contains($0.key) && $0.value.contradicts(payment)
      }
      return .agreed(payment, by: nodes, dissent: dissent)
    }
    open[payment.digest] = entry
    if let checkpoint = payment.checkpoint {
      floor = min(floor ?? .max, checkpoint.sequence)
    }
    guard !entry.isToldAsPending, payment.rejection == nil,
      entry.reports.values.contains(where: { $0.checkpoint == nil }),
      entry.reports.values.count(where: { !$0.contradicts(payment.pending) }) >= agree
    else { return .open }
    return .pending(payment.pending)
  }

  /// Notes that a transaction was handed over as pending.
  mutating func toldAsPending(_ digest: Digest) {
    open[digest]?.isToldAsPending = true
  }

  /// The checkpoint that a stored position has to stay below; nil where there is none.
  mutating func positionLimit() -> Int64? {
    // A look at all of them costs as much as there are, so it waits until it is worth it.
    if settledCount * 8 >= open.count {
      settledCount = 0
      floor = open.values.compactMap(\.lowestCheckpoint).min()
    }
    return floor
  }

  /// Has the nodes asked again about what has been open for long, from time to time, for they may
  /// have mended what was wrong.
  ///
  /// - Returns: The lowest checkpoint of what is to be asked about; nil where nothing is.
  mutating func beginAskingAgain(at now: ContinuousClock.Instant) -> Int64? {
    if let askedAgainAt, now - askedAgainAt < Self.patience { return nil }
    var lowest: Int64?
    for (digest, entry) in open where entry.askAgainAt.map({ $0 <= now }) == true {
      guard let checkpoint = entry.lowestCheckpoint else { continue }
      lowest = min(lowest ?? .max, checkpoint)
      open[digest]?.nodesToAskAgain = Set(
        entry.reports.filter { $0.value.checkpoint != nil }.keys)
      open[digest]?.askAgainAt = now + entry.pause
      open[digest]?.pause = min(entry.pause * 2, Self.longestPause)
    }
    if lowest != nil { askedAgainAt = now }
    return lowest
  }

  /// Notes that the nodes were read.
  ///
  /// Where as many were as have to be, the round is whole: what is open still was told by some and
  /// not by others. Else it is not known what the others would tell.
  mutating func endRound(isWhole: Bool, at now: ContinuousClock.Instant) {
    for digest in open.keys {
      // A node that did not answer keeps its word.
      open[digest]?.nodesToAskAgain = []
      if isWhole, open[digest]?.openSince == nil {
        open[digest]?.openSince = now
        open[digest]?.askAgainAt = now + Self.patience
      }
    }
  }

  /// What nodes contradict each other about, or tell of alone for long; each once.
  mutating func takeDisputes(at now: ContinuousClock.Instant) -> [(Digest, OpenPayment)] {
    let disputes = open.filter { $0.value.isDisputed(at: now) }.sorted { $0.key < $1.key }
    for (digest, _) in disputes { open[digest]?.isWarnedOf = true }
    return disputes.map { ($0.key, $0.value) }
  }
}

/// A transaction on which not enough nodes agree yet.
struct OpenPayment: Sendable {
  /// Each node's last word.
  var reports: [Int: Payment] = [:]
  /// Since when nodes have been read in vain.
  fileprivate(set) var openSince: ContinuousClock.Instant?
  fileprivate var isToldAsPending = false
  fileprivate var isWarnedOf = false
  fileprivate var nodesToAskAgain: Set<Int> = []
  fileprivate var askAgainAt: ContinuousClock.Instant?
  /// How long to wait after that until it is asked about once more.
  fileprivate var pause = Agreement.patience * 2

  fileprivate var lowestCheckpoint: Int64? {
    reports.values.compactMap { $0.checkpoint?.sequence }.min()
  }

  fileprivate func isOld(at now: ContinuousClock.Instant) -> Bool {
    openSince.map { now - $0 > Agreement.patience } ?? false
  }

  /// The nodes that tell the same; nil while it is pending.
  fileprivate func nodes(telling payment: Payment) -> Set<Int>? {
    guard payment.checkpoint != nil else { return nil }
    return Set(reports.filter { $0.value.checkpoint != nil && !$0.value.contradicts(payment) }.keys)
  }

  /// Whether nodes contradict each other, or some have kept silent for long about what is final.
  fileprivate func isDisputed(at now: ContinuousClock.Instant) -> Bool {
    guard !isWarnedOf else { return false }
    let words = reports.values
    if words.contains(where: { word in words.contains(where: word.contradicts) }) { return true }
    return lowestCheckpoint != nil && isOld(at: now)
  }
}

extension Payment {
  /// The same while it was pending.
  fileprivate var pending: Payment {
    var payment = self
    payment.checkpoint = nil
    return payment
  }

  /// Whether it cannot be true beside another word on the same transaction.
  ///
  /// Pending and final are no contradiction.
  func contradicts(_ other: Payment) -> Bool {
    payer != other.payer || isPayerVerified != other.isPayerVerified || memo != other.memo
      || amount != other.amount || rejectionKind != other.rejectionKind
      || checkpoint != other.checkpoint && checkpoint != nil && other.checkpoint != nil
  }

  /// Why it is no payment, without the node's own words, which differ from version to version.
  private var rejectionKind: Substring? { rejection?.prefix { $0 != ":" } }
}

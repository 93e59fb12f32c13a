internal import PaywallCore

/// The digests that a node lists, newest first, as deep as is needed.
///
/// A cursor is that of an entry, exclusive. So a listing that a failure interrupts can go on where
/// it was once the node has rested.
///
/// The list goes from the newest digest down, and payments count from the oldest up, so while a
/// backlog is caught up with its digests are in memory, and nothing else of it: about 150 bytes each,
/// 15 MB for 100,000 and 1.5 GB for 10 million. All of it is given back at the end.
struct DigestListing: Sendable {
  /// How many checkpoints (about 10 s) a node's order and index may be off; the listing goes that
  /// much deeper than what was read already.
  static let overlap: Int64 = 40
  /// The same for the first listing of a process, about 10 minutes.
  static let firstOverlap: Int64 = 2400
  /// Pages in a row that may bring nothing new before the node is held to repeat itself.
  private static let barrenPageLimit = 3

  let address: Address
  /// Where reading stands.
  var position: ReadingPosition
  /// Checkpoints up to this one need not be listed again.
  let cutoff: Int64?
  /// The same as long as nothing new turns up: a higher one, for idle polls.
  let idleCutoff: Int64?

  /// Not recorded yet, newest first, each once.
  private(set) var unknown: [Digest] = []
  /// Whether there is no further page, or none to be had.
  private(set) var hasEnded = false
  /// Whether all was listed that had to be.
  private(set) var isComplete = false
  /// What the node did wrong.
  private(set) var fault: String?

  private var listed: Set<Digest> = []
  private var ages: [Digest: Checkpoint]
  private var cursor: String?
  private var pageNumber = 0
  private var barrenPages = 0
  private var hasMetKnown = false
  private var sinceMs: Int64 { position.sinceMs }

  init(
    address: Address, position: ReadingPosition, ages: [Digest: Checkpoint], cutoff: Int64?,
    idleCutoff: Int64?
  ) {
    self.address = address
    self.position = position
    self.ages = ages
    self.cutoff = cutoff
    self.idleCutoff = idleCutoff
  }

  /// Lists one page more, from the newest digest down.
  mutating func listPage(_ node: any RebasedNode, isKnown: (Digest) throws -> Bool) throws {
    guard let page = try nextPage(of: node) else {
      hasEnded = true
      return
    }
    if page.hasOddEntries { fault = "the list holds entries that are no digests" }
    for entry in page.entries {
      if let checkpoint = entry.checkpoint { ages[entry.digest] = checkpoint }
    }
    let digests = page.entries.map(\.digest)
    barrenPages = try add(digests, isKnown: isKnown) ? 0 : barrenPages + 1
    if try !page.hasNextPage || isCovered(digests, by: node) {
      // Something was recorded before, and a whole list shows some of it: a node that shows nothing
      // known has lost its history.
      if position.checkpoint != nil, !hasMetKnown {
        fault = "its history ends before what was read last"
      }
      isComplete = fault == nil
      hasEnded = true
      return
    }
    guard let next = Self.cursor(after: page.entries, page.nextCursor),
      barrenPages < Self.barrenPageLimit
    else {
      fault = "the list of transactions repeats itself or breaks off"
      hasEnded = true
      return
    }
    cursor = next
    pageNumber += 1
  }

  /// Where the next page begins: a tenth before the end of this one, for behind one URL there may be
  /// several nodes, whose orders differ a little.
  private static func cursor(
    after entries: [ListingPage.Entry], _ proposed: String?
  ) -> String? {
    let overlap = entries.count / 10
    guard overlap > 0 || proposed == nil else { return proposed }
    return entries.dropLast(overlap).last?.cursor
  }

  /// Whether a page was listed.
  var hasBegun: Bool { cursor != nil || hasEnded }

  /// The checkpoints known of what was listed.
  var listedAges: [Digest: Checkpoint] {
    ages.filter { listed.contains($0.key) }
  }

  /// A page; nil where the list cannot be followed further.
  private mutating func nextPage(of node: any RebasedNode) throws -> ListingPage? {
    do {
      return try node.listing(to: address, after: cursor)
    } catch let error as UnknownCursor {
      // What was listed is handed over; the next poll starts from the newest page again.
      fault = "the list of transactions breaks off: \(error.reason)"
      return nil
    }
  }

  /// Notes the digests of a page; true where any of them is listed for the first time.
  private mutating func add(
    _ digests: [Digest], isKnown: (Digest) throws -> Bool
  ) throws -> Bool {
    var isAnyNew = false
    for digest in digests where listed.insert(digest).inserted {
      isAnyNew = true
      let isKnown = try isKnown(digest)
      if isKnown { hasMetKnown = true }
      if let age = ages[digest], age.timeMs < sinceMs { continue }
      if !isKnown { unknown.append(digest) }
    }
    return isAnyNew
  }

  /// Whether all that follows the page was read before, or is too old.
  ///
  /// The last quarter must be, for nodes' orders differ a little.
  private mutating func isCovered(
    _ digests: [Digest], by node: any RebasedNode
  ) throws -> Bool {
    let tail = digests.suffix(max(1, digests.count / 4))
    let ageless = tail.filter { ages[$0] == nil }
    if !ageless.isEmpty {
      // Asking for ages costs a request, so a long way down it is not done on each page.
      guard pageNumber < 2 || pageNumber.isMultiple(of: 8) else { return false }
      ages.merge(try node.checkpoints(of: ageless)) { $1 }
    }
    let cutoff = unknown.isEmpty ? idleCutoff ?? cutoff : cutoff
    return !tail.isEmpty
      && tail.allSatisfy { digest in
        guard let age = ages[digest] else { return false }
        return age.timeMs < sinceMs || cutoff.map { age.sequence <= $0 } == true
      }
  }
}

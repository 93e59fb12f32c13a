internal import PaywallCore

/// How far milestones were read, and what is missing of them.
struct StardustProgress: Sendable {
  /// The position that was recorded last.
  var position: ReadingPosition
  /// The last milestone that was read; all before it were, but for what is missing.
  var covered: Int64
  /// Milestones that no node has any more.
  private(set) var gap: ClosedRange<Int64>?
  /// Whether the payments of the gap that are not spent yet were found.
  var isGapSearched = false
  /// Milestones of which an output could not be read.
  private var missing: [Int64: Retry] = [:]

  private struct Retry: Sendable {
    var attempts = 0
    var at: ContinuousClock.Instant
  }

  /// So many attempts are made at every poll; later ones once a minute.
  private static let eagerAttempts = 20
  private static let laterInterval = Duration.seconds(60)

  init(after position: ReadingPosition, from first: Int64) {
    self.position = position
    // A position written by hand may be any number.
    let recorded = min(position.checkpoint ?? 0, Int64(UInt32.max))
    covered = max(recorded, first - 1)
  }

  /// The position as of now: not beyond what is missing, and never back.
  var reached: ReadingPosition {
    let whole = (gap?.lowerBound).map { $0 - 1 } ?? covered
    let limit = missing.keys.min().map { $0 - 1 } ?? whole
    var reached = position
    if min(whole, limit) > position.checkpoint ?? 0 { reached.checkpoint = min(whole, limit) }
    return reached
  }

  /// Goes on behind milestones that no node has any more.
  mutating func skip(to milestone: Int64) {
    gap = (gap?.lowerBound ?? covered + 1)...milestone
    isGapSearched = false
    covered = milestone
  }

  /// Notes that the gap was read up to a milestone within it.
  mutating func closeGap(upTo milestone: Int64) {
    gap = gap.flatMap { milestone < $0.upperBound ? milestone + 1...$0.upperBound : nil }
  }

  /// Notes whether anything of a milestone is missing still.
  mutating func note(_ milestone: Int64, isMissing: Bool, at now: ContinuousClock.Instant) {
    guard isMissing else {
      missing[milestone] = nil
      return
    }
    var retry = missing[milestone] ?? Retry(at: now)
    retry.attempts = min(retry.attempts + 1, Self.eagerAttempts + 1)
    retry.at = retry.attempts > Self.eagerAttempts ? now + Self.laterInterval : now
    missing[milestone] = retry
  }

  func isMissing(_ milestone: Int64) -> Bool { missing[milestone] != nil }

  /// The milestones that are to be read again now, in their order.
  func due(at now: ContinuousClock.Instant) -> [Int64] {
    missing.filter { $0.value.at <= now }.keys.sorted()
  }
}

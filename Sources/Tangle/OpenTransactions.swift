internal import PaywallCore

/// How far a reading position may go.
enum PositionLimit: Equatable {
  case none
  /// Up to this checkpoint.
  case at(Int64)
  /// Not beyond where it is.
  case stay
}

/// Transactions that are to be asked for again: unclear ones and pending ones.
struct OpenTransactions: Sendable {
  private struct Entry: Sendable {
    var isPending: Bool
    var isHandedOver = false
    var checkpoint: Int64?
    var attempts = 1
    var retryAt: ContinuousClock.Instant
  }

  private var entries: [Digest: Entry] = [:]

  /// So many attempts are made at every poll; later ones once a minute.
  private static let eagerAttempts = 20
  private static let laterInterval = Duration.seconds(60)

  func contains(_ digest: Digest) -> Bool {
    entries[digest] != nil
  }

  /// Those whose time has come, in the order of the digests; what became known meanwhile is dropped.
  mutating func due(
    at now: ContinuousClock.Instant, isKnown: (Digest) throws -> Bool
  ) throws -> [Digest] {
    for digest in entries.keys where try isKnown(digest) { entries[digest] = nil }
    return entries.filter { $0.value.retryAt <= now }.keys.sorted()
  }

  /// Notes a transaction without checkpoint.
  ///
  /// - Returns: Whether it is to be handed over as pending, which is done once.
  mutating func addPending(_ digest: Digest, at now: ContinuousClock.Instant) -> Bool {
    note(digest, isPending: true, checkpoint: nil, at: now)
    return entries[digest]?.isHandedOver == false
  }

  /// Notes a transaction that cannot be judged.
  ///
  /// - Returns: Whether that is new.
  mutating func addUnclear(
    _ digest: Digest, checkpoint: Int64?, at now: ContinuousClock.Instant
  ) -> Bool {
    let isNew = entries[digest].map(\.isPending) ?? true
    note(digest, isPending: false, checkpoint: checkpoint, at: now)
    return isNew
  }

  mutating func handedOver(_ digests: [Digest]) {
    for digest in digests { entries[digest]?.isHandedOver = true }
  }

  mutating func remove(_ digest: Digest) {
    entries[digest] = nil
  }

  /// How far a stored position may go, so that it leads back to what is unclear.
  ///
  /// What is pending is newer than any position.
  ///
  /// The transactions of the page that the position is to be stored with are left aside.
  func positionLimit(besides page: [Payment]) -> PositionLimit {
    let settled = Set(page.map(\.digest))
    let unclear = entries.filter { !$0.value.isPending && !settled.contains($0.key) }.values
    guard !unclear.isEmpty else { return .none }
    let checkpoints = unclear.compactMap(\.checkpoint)
    guard checkpoints.count == unclear.count, let lowest = checkpoints.min() else { return .stay }
    return .at(lowest - 1)
  }

  private mutating func note(
    _ digest: Digest, isPending: Bool, checkpoint: Int64?, at now: ContinuousClock.Instant
  ) {
    var entry = entries[digest] ?? Entry(isPending: isPending, retryAt: now)
    entry.isPending = isPending
    entry.checkpoint = checkpoint
    entry.attempts = min(entry.attempts + 1, Self.eagerAttempts + 1)
    entry.retryAt = entry.attempts > Self.eagerAttempts ? now + Self.laterInterval : now
    entries[digest] = entry
  }
}

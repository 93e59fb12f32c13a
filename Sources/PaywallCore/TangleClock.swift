/// The tangle's time, told by a local monotonic clock between checkpoints.
///
/// A node's offset is the largest (checkpoint time − monotonic time) of the last hour: checkpoints
/// reach us late by the network's delay, never early. Until nodes have told the time the wall clock
/// stands in; through outages the offset is kept, and a jump of the wall clock neither gives nor
/// takes time.
///
/// Nodes may lie, stand still or lag behind. So a node's word counts once it moves on at the pace of
/// the monotonic clock, and until it has been silent for an hour. Then
///
/// 1. the time on which more than half of all nodes heard agree within a minute is the tangle's, where
///    they are at least `agree`;
/// 2. else that of the node nearest to the wall clock is, where it is within 5 minutes of it;
/// 3. else the clock goes on as it was.
///
/// So one node that lies by more than 5 minutes moves nothing as long as another contradicts it and
/// the wall clock is right, or two others do. A lie that was believed, as where there is but one node,
/// ends when the node or the majority is honest again: at once where it was in the past, or where the
/// wall clock bears the new time out; else after an hour, for a node that lags behind looks the same,
/// and must not give time back that is over.
public struct TangleClock: Sendable {
  /// How far back a node's words count, in milliseconds.
  public static let windowMs: Int64 = 3_600_000
  /// How far from the wall clock a single node is believed beside others, in milliseconds.
  public static let toleranceMs: Int64 = 5 * 60 * 1000
  /// How much the times of nodes that agree differ at most, in milliseconds.
  public static let agreementMs: Int64 = 60_000
  /// How late an answer may be, in milliseconds: as long as a request may take.
  static let delayMs: Int64 = 10_000

  /// How many nodes must tell a time that is far from the wall clock's.
  private var agree: Int
  private var nodes: [Int: NodeClock] = [:]
  private var toldOffsetMs: Int64
  /// The payment's checkpoint that is farthest ahead.
  private var past: (offsetMs: Int64, untilMs: Int64)?
  /// Whether nodes have told the time.
  public private(set) var isSynchronized = false

  /// A clock that knows no checkpoint yet.
  ///
  /// - Parameters:
  ///   - wallMs: The wall clock, in Unix milliseconds.
  ///   - monotonicMs: The monotonic clock at the same moment, in milliseconds.
  ///   - agree: How many nodes must tell a time that is far from the wall clock's.
  public init(wallMs: Int64, monotonicMs: Int64, agree: Int = 1) {
    toldOffsetMs = wallMs &- monotonicMs
    self.agree = agree
  }

  /// What to add to the monotonic clock to get the tangle's time, in milliseconds.
  public var offsetMs: Int64 { max(toldOffsetMs, past?.offsetMs ?? toldOffsetMs) }

  /// Takes what a node says is the newest checkpoint.
  ///
  /// Its first answer is not believed yet: whether the node moves on shows with the second.
  ///
  /// - Parameters:
  ///   - checkpoint: The newest checkpoint.
  ///   - node: The node's number.
  ///   - wallMs: The wall clock, in Unix milliseconds.
  ///   - monotonicMs: The monotonic clock when it became known, in milliseconds; not before those
  ///     given earlier.
  public mutating func observe(
    newest checkpoint: Checkpoint, of node: Int = 0, wallMs: Int64, monotonicMs: Int64
  ) {
    guard checkpoint.isSane else { return }
    let wallOffsetMs = wallMs &- monotonicMs
    nodes[node, default: NodeClock(checkpoint, atMs: monotonicMs)]
      .observe(checkpoint, wallOffsetMs: wallOffsetMs, atMs: monotonicMs)
    nodes = nodes.filter { !$0.value.isSilent(atMs: monotonicMs) }
    if let past, past.untilMs <= monotonicMs { self.past = nil }
    guard let decided = decision(wallOffsetMs: wallOffsetMs, atMs: monotonicMs) else { return }
    if let past, abs(past.offsetMs &- decided) > Self.delayMs { self.past = nil }
    toldOffsetMs = decided
    isSynchronized = true
  }

  /// Takes the checkpoint of a payment, which may be long past: it only says that it is not earlier.
  ///
  /// It puts the clock on by no more than nodes may be late.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - monotonicMs: The monotonic clock when it became known, in milliseconds; not before those
  ///     given earlier.
  public mutating func observe(past checkpoint: Checkpoint, monotonicMs: Int64) {
    guard checkpoint.isSane else { return }
    let offsetMs = checkpoint.timeMs &- monotonicMs
    guard offsetMs &- toldOffsetMs <= Self.delayMs else { return }
    if let past, past.untilMs > monotonicMs, past.offsetMs >= offsetMs { return }
    // Also where it is behind what is told now: that may turn out to be a little ahead, as the wall
    // clock mostly is, and access that has begun must not begin again.
    past = (offsetMs, monotonicMs &+ Self.windowMs)
  }

  /// Whether a node's time is one that other nodes have to bear out: far from the wall clock's, or
  /// other than what is told.
  public func isDoubtful(_ checkpoint: Checkpoint, wallMs: Int64, monotonicMs: Int64) -> Bool {
    guard checkpoint.isSane else { return true }
    let offsetMs = checkpoint.timeMs &- monotonicMs
    return abs(offsetMs &- (wallMs &- monotonicMs)) > Self.toleranceMs
      || isSynchronized && abs(offsetMs &- toldOffsetMs) > Self.agreementMs
  }

  /// Whether some node's last answer is to be borne out by its next.
  public func isUnsettled(monotonicMs: Int64) -> Bool {
    nodes.values.contains { $0.isPending(atMs: monotonicMs) }
  }

  /// Forgets which node told what, but not the time: the nodes have changed.
  ///
  /// - Parameter agree: How many nodes must tell a time that is far from the wall clock's.
  public mutating func forgetNodes(agree: Int) {
    self.agree = agree
    nodes = [:]
  }

  /// How far the tangle's time is ahead of the wall clock, in milliseconds.
  ///
  /// - Parameters:
  ///   - wallMs: The wall clock, in Unix milliseconds.
  ///   - monotonicMs: The monotonic clock at the same moment, in milliseconds.
  /// - Returns: More than zero where the wall clock is late.
  public func skewMs(wallMs: Int64, monotonicMs: Int64) -> Int64 {
    offsetMs &- (wallMs &- monotonicMs)
  }

  private func decision(wallOffsetMs: Int64, atMs nowMs: Int64) -> Int64? {
    let offsets = nodes.values.compactMap { $0.offsetMs(atMs: nowMs) }.sorted()
    // Nodes that were asked and cannot be judged yet may turn out to contradict.
    let count = nodes.values.count {
      $0.offsetMs(atMs: nowMs) != nil || $0.isPending(atMs: nowMs)
    }
    // Wherever a majority agrees, the one in the middle is one of it.
    guard let middle = offsets.middle else { return nil }
    let agreeing = offsets.count { abs($0 &- middle) <= Self.agreementMs }
    if agreeing >= agree, agreeing > count / 2 { return middle }
    let nearest = offsets.min { abs($0 &- wallOffsetMs) < abs($1 &- wallOffsetMs) }
    return nearest.flatMap { abs($0 &- wallOffsetMs) <= Self.toleranceMs ? $0 : nil }
  }
}

extension Checkpoint {
  /// The end of the year 9999: what a node says beyond it is no time.
  private static let latestMs: Int64 = 253_402_300_800_000

  fileprivate var isSane: Bool { (0..<Self.latestMs).contains(timeMs) }
}

extension [Int64] {
  /// The element in the middle of a sorted array, the later of two; nil where it is empty.
  fileprivate var middle: Int64? { dropFirst(count / 2).first }
}

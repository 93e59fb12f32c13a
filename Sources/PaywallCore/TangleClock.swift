/// The tangle's time, told by a local monotonic clock between checkpoints.
///
/// The offset is the largest (checkpoint time − monotonic time) of the last hour: checkpoints reach
/// us late by the network's delay, never early, so the largest is the nearest to the truth. It is
/// kept through outages. Until the first checkpoint the wall clock stands in. A jump of the wall
/// clock neither gives nor takes time.
///
/// A node that stands still tells an ever older time, so the newest checkpoint counts only where it
/// is newer than the one before.
public struct TangleClock: Sendable {
  /// How far back samples count, in milliseconds.
  public static let windowMs: Int64 = 3_600_000
  /// The end of the year 9999: what a node says beyond it is no time.
  private static let latestMs: Int64 = 253_402_300_800_000
  /// Samples of one minute are kept as one, so that the window never holds more than 61.
  private static let bucketMs: Int64 = 60_000

  private var samples: [(bucket: Int64, offsetMs: Int64)] = []
  private var wallOffsetMs: Int64
  private var newestSequence: Int64?

  /// A clock that knows no checkpoint yet.
  ///
  /// - Parameters:
  ///   - wallMs: The wall clock, in Unix milliseconds.
  ///   - monotonicMs: The monotonic clock at the same moment, in milliseconds.
  public init(wallMs: Int64, monotonicMs: Int64) {
    wallOffsetMs = wallMs &- monotonicMs
  }

  /// Whether a checkpoint was seen.
  public var isSynchronized: Bool { !samples.isEmpty }

  /// What to add to the monotonic clock to get the tangle's time, in milliseconds.
  public var offsetMs: Int64 {
    samples.map(\.offsetMs).max() ?? wallOffsetMs
  }

  /// Takes what a node says is the newest checkpoint.
  ///
  /// The first one is not believed yet: whether the node moves on shows with the second.
  ///
  /// - Parameters:
  ///   - checkpoint: The newest checkpoint.
  ///   - monotonicMs: The monotonic clock when it became known, in milliseconds; not before those
  ///     given earlier.
  public mutating func observe(newest checkpoint: Checkpoint, monotonicMs: Int64) {
    guard checkpoint.timeMs < Self.latestMs else { return }
    defer { newestSequence = max(newestSequence ?? checkpoint.sequence, checkpoint.sequence) }
    guard let newestSequence, checkpoint.sequence > newestSequence else { return }
    take(checkpoint.timeMs, monotonicMs: monotonicMs)
  }

  /// Takes the checkpoint of a payment, which may be long past: it only says that it is not earlier.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - monotonicMs: The monotonic clock when it became known, in milliseconds; not before those
  ///     given earlier.
  public mutating func observe(past checkpoint: Checkpoint, monotonicMs: Int64) {
    guard checkpoint.timeMs < Self.latestMs, checkpoint.timeMs &- monotonicMs > offsetMs else {
      return
    }
    take(checkpoint.timeMs, monotonicMs: monotonicMs)
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

  private mutating func take(_ checkpointMs: Int64, monotonicMs: Int64) {
    let bucket = monotonicMs / Self.bucketMs
    let offsetMs = checkpointMs &- monotonicMs
    if let last = samples.last, last.bucket == bucket {
      samples[samples.count - 1].offsetMs = max(last.offsetMs, offsetMs)
    } else {
      samples.append((bucket, offsetMs))
    }
    samples.removeAll { $0.bucket < bucket - Self.windowMs / Self.bucketMs }
  }
}

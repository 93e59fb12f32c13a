/// The tangle's time, told by a local monotonic clock between checkpoints.
///
/// The offset is the largest (checkpoint time − monotonic time) of the last hour: checkpoints reach
/// us late by the network's delay, never early, so the largest is the nearest to the truth. It is
/// kept through outages. Until the first checkpoint the wall clock stands in. A jump of the wall
/// clock neither gives nor takes time.
public struct TangleClock: Sendable {
  /// How far back samples count, in milliseconds.
  public static let windowMs: Int64 = 3_600_000
  /// Samples of one minute are kept as one, so that the window never holds more than 61.
  private static let bucketMs: Int64 = 60_000

  private var samples: [(bucket: Int64, offsetMs: Int64)] = []
  private var wallOffsetMs: Int64

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

  /// Takes the time of a checkpoint that just became known.
  ///
  /// - Parameters:
  ///   - checkpointMs: The checkpoint's time, in Unix milliseconds.
  ///   - monotonicMs: The monotonic clock when it became known, in milliseconds; not before those
  ///     given earlier.
  public mutating func observe(checkpointMs: Int64, monotonicMs: Int64) {
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

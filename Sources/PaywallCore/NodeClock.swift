/// What one node has told of the tangle's time.
struct NodeClock: Sendable {
  /// Samples of one minute are kept as one, so that there are never more than 61.
  ///
  /// Nor is it expected any more that a node answers again where it has not for that long.
  private static let bucketMs: Int64 = 60_000
  /// A node that makes no checkpoint for so long stands still; several a second are usual.
  private static let standstillMs: Int64 = 5000

  private var newest: Checkpoint
  /// When the newest checkpoint was first told of, and when the node last answered at all.
  private var newestAtMs: Int64
  private var heardAtMs: Int64
  private var isNewestPending = true
  private var samples: [(bucket: Int64, offsetMs: Int64)] = []

  init(_ checkpoint: Checkpoint, atMs nowMs: Int64) {
    newest = checkpoint
    newestAtMs = nowMs
    heardAtMs = nowMs
  }

  /// Takes an answer.
  mutating func observe(_ checkpoint: Checkpoint, wallOffsetMs: Int64, atMs nowMs: Int64) {
    heardAtMs = nowMs
    guard checkpoint != newest else { return }
    let offsetMs = checkpoint.timeMs &- nowMs
    let paceMs = offsetMs &- (newest.timeMs &- newestAtMs)
    isNewestPending =
      checkpoint.sequence <= newest.sequence || abs(paceMs) > TangleClock.delayMs
    newest = checkpoint
    newestAtMs = nowMs
    if !isNewestPending { take(offsetMs, wallOffsetMs: wallOffsetMs) }
  }

  /// Whether the last answer can be judged only by the next, which is to come.
  func isPending(atMs nowMs: Int64) -> Bool {
    isNewestPending && heardAtMs &- newestAtMs < Self.standstillMs
      && nowMs &- heardAtMs < Self.bucketMs
  }

  /// Whether it has not answered for so long that its word no longer counts.
  func isSilent(atMs nowMs: Int64) -> Bool { heardAtMs &+ TangleClock.windowMs < nowMs }

  /// What to add to the monotonic clock to get the time that this node tells; nil where that is not
  /// known.
  func offsetMs(atMs nowMs: Int64) -> Int64? {
    let first = (nowMs &- TangleClock.windowMs) / Self.bucketMs
    return samples.lazy.filter { $0.bucket >= first }.map(\.offsetMs).max()
  }

  private mutating func take(_ offsetMs: Int64, wallOffsetMs: Int64) {
    let largest = self.offsetMs(atMs: newestAtMs)
    // A node that tells an earlier time than before lags, or has lied before.
    if let largest, largest &- offsetMs > TangleClock.agreementMs,
      abs(offsetMs &- wallOffsetMs) < abs(largest &- wallOffsetMs)
    {
      samples = []
    }
    let bucket = newestAtMs / Self.bucketMs
    if let last = samples.last, last.bucket == bucket {
      samples[samples.count - 1].offsetMs = max(last.offsetMs, offsetMs)
    } else {
      samples.append((bucket, offsetMs))
    }
    samples.removeAll { $0.bucket < bucket - TangleClock.windowMs / Self.bucketMs }
  }
}

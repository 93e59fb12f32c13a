/// How long to leave a plug alone after failures: it has few threads, and retries that come fast
/// bring it down.
enum BackOff {
  /// The pause in milliseconds before the next reading.
  ///
  /// A single failure is nothing special: the next reading comes at its usual time. From then on it
  /// is 1, 2, 5, 10, 30, 30, … seconds, but no more than the source asks for.
  static func pauseMs(afterFailures failures: Int, atMost maximumMs: Int64 = 30_000) -> Int64? {
    guard failures > 1 else { return nil }
    let seconds: [Int64] = [1, 2, 5, 10, 30]
    return min(seconds[min(failures - 2, seconds.count - 1)] * 1000, maximumMs)
  }
}

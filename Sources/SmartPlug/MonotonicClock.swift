/// A clock that only ever goes forward, whatever is done to the time of day.
public enum MonotonicClock {
  private static let origin = ContinuousClock.now

  /// Milliseconds since some moment of this process.
  public static func nowMs() -> Int64 {
    let (seconds, attoseconds) = (ContinuousClock.now - origin).components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}

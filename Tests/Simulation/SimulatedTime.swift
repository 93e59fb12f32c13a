/// The clocks of a simulated machine; only the simulation moves them.
struct SimulatedTime {
  /// The tangle's time, in Unix milliseconds.
  var tangleMs: Int64
  /// How far the machine's wall clock is ahead.
  var wallOffsetMs: Int64 = 0

  /// When the machine was started, by the tangle's time.
  var bootedAtMs = Self.bornAtMs

  /// When there was the first checkpoint.
  private static let bornAtMs: Int64 = 1_700_000_000_000 - 86_400_000

  var monotonicMs: Int64 { tangleMs - bootedAtMs }
  var wallMs: Int64 { tangleMs + wallOffsetMs }

  /// The number and time of the newest checkpoint at a time: there is one each quarter of a second.
  static func checkpoint(atMs timeMs: Int64) -> (sequence: Int64, timeMs: Int64) {
    let sequence = (timeMs - bornAtMs) / 250
    return (sequence, bornAtMs + sequence * 250)
  }
}

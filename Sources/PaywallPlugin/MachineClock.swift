import Glibc

/// The clocks of the machine; the simulation makes up others.
struct MachineClock: Sendable {
  /// Milliseconds since some moment of the past; goes on while the machine sleeps.
  let monotonicMs: @Sendable () -> Int64
  /// The wall clock, in Unix milliseconds.
  let wallMs: @Sendable () -> Int64
  /// Waits, for so many milliseconds.
  let pause: @Sendable (Int64) -> Void

  static let kernel = MachineClock(
    monotonicMs: SharedClock.monotonicMs, wallMs: SharedClock.wallMs,
    pause: { poll(nil, 0, CInt(clamping: $0)) })
}

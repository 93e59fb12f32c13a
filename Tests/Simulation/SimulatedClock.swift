import PaywallCore

@testable import PaywallPlugin

/// The plugin's clock, on a simulated machine.
final class SimulatedClock: BooksClock {
  var clock: TangleClock
  /// What the machine's clocks show.
  var time: SimulatedTime

  init(_ time: SimulatedTime) {
    self.time = time
    clock = TangleClock(wallMs: time.wallMs, monotonicMs: time.monotonicMs)
  }

  var monotonicMs: Int64 { time.monotonicMs }
  var offsetMs: Int64 { clock.offsetMs }
  var isSynchronized: Bool {
    clock.isSynchronized && !clock.isUnsettled(monotonicMs: monotonicMs)
  }

  func take(past checkpoint: Checkpoint) {
    clock.observe(past: checkpoint, monotonicMs: monotonicMs)
  }
}

import Glibc
import Synchronization

/// The tangle's time for the main thread: a monotonic clock, and an offset that the watcher sets.
final class SharedClock: Sendable {
  private let offset: Atomic<Int64>
  /// The kernel's last tick that was seen, in nanoseconds, and the monotonic clock then.
  private let tickNs = Atomic<Int64>(.min)
  private let tickMonotonicMs = Atomic<Int64>(0)
  /// A machine's clock that is made up, in milliseconds; nil: the kernel's.
  private let simulatedMs: (@Sendable () -> Int64)?
  /// Known without counting references, for each delivery asks.
  private let isSimulated: Bool

  init(offsetMs: Int64, simulatedMs: (@Sendable () -> Int64)? = nil) {
    offset = Atomic(offsetMs)
    self.simulatedMs = simulatedMs
    isSimulated = simulatedMs != nil
  }

  /// Milliseconds since some moment of the past; goes on while the machine sleeps.
  var monotonicMs: Int64 { simulatedMs?() ?? Self.monotonicMs() }

  /// Microseconds since some moment of the past, to measure how long something takes.
  var monotonicUs: Int64 { simulatedMs.map { $0() &* 1000 } ?? Self.monotonicUs() }

  /// The tangle's time, in Unix milliseconds.
  var nowMs: Int64 { monotonicMs &+ offset.load(ordering: .relaxed) }

  /// The tangle's time at the kernel's last tick, in Unix milliseconds: at most 10 ms behind, usually
  /// 4, and four times as fast to tell.
  ///
  /// For the main thread.
  var tickMs: Int64 {
    guard !isSimulated else { return nowMs }
    // There is no coarse clock that goes on while the machine sleeps; this one tells of new ticks.
    let now = Self.nanoseconds(CLOCK_MONOTONIC_COARSE)
    if now != tickNs.load(ordering: .relaxed) {
      tickMonotonicMs.store(Self.monotonicMs(), ordering: .relaxed)
      tickNs.store(now, ordering: .relaxed)
    }
    return tickMonotonicMs.load(ordering: .relaxed) &+ offset.load(ordering: .relaxed)
  }

  /// Sets what to add to the monotonic clock, in milliseconds.
  func set(offsetMs: Int64) {
    offset.store(offsetMs, ordering: .relaxed)
  }

  /// Milliseconds since some moment of the past; goes on while the machine sleeps.
  static func monotonicMs() -> Int64 {
    milliseconds(CLOCK_BOOTTIME)
  }

  /// Microseconds since some moment of the past, to measure how long something takes.
  static func monotonicUs() -> Int64 { nanoseconds(CLOCK_MONOTONIC) / 1000 }

  /// The wall clock, in Unix milliseconds.
  static func wallMs() -> Int64 {
    milliseconds(CLOCK_REALTIME)
  }

  private static func milliseconds(_ clock: clockid_t) -> Int64 {
    nanoseconds(clock) / 1_000_000
  }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

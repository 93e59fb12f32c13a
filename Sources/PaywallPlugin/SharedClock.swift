import Glibc
import Synchronization

/// The tangle's time for the main thread: a monotonic clock, and an offset that the watcher sets.
final class SharedClock: Sendable {
  private let offset: Atomic<Int64>

  init(offsetMs: Int64) {
    offset = Atomic(offsetMs)
  }

  /// The tangle's time, in Unix milliseconds.
  var nowMs: Int64 { Self.monotonicMs() &+ offset.load(ordering: .relaxed) }

  /// Sets what to add to the monotonic clock, in milliseconds.
  func set(offsetMs: Int64) {
    offset.store(offsetMs, ordering: .relaxed)
  }

  /// Milliseconds since some moment of the past; goes on while the machine sleeps.
  static func monotonicMs() -> Int64 {
    milliseconds(CLOCK_BOOTTIME)
  }

  /// The wall clock, in Unix milliseconds.
  static func wallMs() -> Int64 {
    milliseconds(CLOCK_REALTIME)
  }

  private static func milliseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
  }
}

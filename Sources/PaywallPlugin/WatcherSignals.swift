import Synchronization

/// What the main thread tells the watcher, without ever waiting.
final class WatcherSignals: Sendable {
  /// How long after a demand the tangle is read often, in milliseconds.
  static let demandMs: Int64 = 10 * 60 * 1000

  private let stopping = Atomic(false)
  private let reloading = Atomic(false)
  private let demandedAtMs = Atomic<Int64>(.min)
  private let event = Event()

  /// Whether the watcher has to end.
  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Ends the watcher.
  func stop() {
    stopping.store(true, ordering: .releasing)
    event.signal()
  }

  /// Has the watcher look at what was handed over to it.
  func wake() {
    event.signal()
  }

  /// Has the configuration read again.
  func reload() {
    reloading.store(true, ordering: .releasing)
    event.signal()
  }

  /// Whether the configuration is to be read again.
  var isReloading: Bool { reloading.load(ordering: .relaxed) }

  /// Whether the configuration is to be read again; asked once.
  func takeReload() -> Bool { reloading.exchange(false, ordering: .acquiring) }

  /// Says that somebody may be about to pay.
  func demand(nowMs: Int64) {
    let before = demandedAtMs.exchange(nowMs, ordering: .relaxed)
    // One wake-up a second is enough, and a system call for each SUBSCRIBE would be too much.
    if before < nowMs &- 1000 { event.signal() }
  }

  /// Whether somebody may be about to pay.
  func isDemanded(nowMs: Int64) -> Bool {
    demandedAtMs.load(ordering: .relaxed) > nowMs &- Self.demandMs
  }

  /// Waits until something is told, or until the time is over.
  func wait(timeoutMs: Int64) {
    event.wait(timeoutMs: timeoutMs)
  }
}

import Dispatch
import Synchronization

/// Set once, from any thread; any number of threads wait for it.
final class StopSignal: Sendable {
  private let isSet = Atomic(false)
  /// Entered once, and left when the signal is set.
  private let group = DispatchGroup()

  init() { group.enter() }

  deinit { set() }

  func set() {
    if !isSet.exchange(true, ordering: .acquiringAndReleasing) { group.leave() }
  }

  /// Waits for the signal.
  /// - Returns: true when it is set, false when the time was over.
  func wait(ms: Int64) -> Bool {
    if isSet.load(ordering: .acquiring) { return true }
    let ms = Int(min(max(ms, 0), 86_400_000))
    return group.wait(timeout: .now() + .milliseconds(ms)) == .success
  }
}

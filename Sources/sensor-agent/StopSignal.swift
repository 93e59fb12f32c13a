import Dispatch
import Synchronization

/// Set once, from any thread; one thread waits for it.
final class StopSignal: Sendable {
  private let isSet = Atomic(false)
  private let semaphore = DispatchSemaphore(value: 0)

  func set() {
    isSet.store(true, ordering: .releasing)
    semaphore.signal()
  }

  /// Waits for the signal.
  /// - Returns: true when it is set, false when the time was over.
  func wait(ms: Int64) -> Bool {
    if isSet.load(ordering: .acquiring) { return true }
    let ms = Int(min(max(ms, 0), 86_400_000))
    return semaphore.wait(timeout: .now() + .milliseconds(ms)) == .success
  }
}

import Synchronization

/// How the reading of payments goes, as the watcher leaves it for whoever wants to know.
final class ReadingState: Sendable {
  private static let never = Int64.min

  private let completedAtMs = Atomic(ReadingState.never)
  private let failureCount = Atomic(0)

  /// Notes that all that the nodes know is recorded, at a time of the monotonic clock.
  func completed(atMs nowMs: Int64) {
    completedAtMs.store(nowMs, ordering: .relaxed)
  }

  /// Notes that a node has not answered a question as it should.
  func failed() {
    failureCount.wrappingAdd(1, ordering: .relaxed)
  }

  /// How long ago all that the nodes know was recorded, in milliseconds; nil: never yet.
  func lagMs(atMs nowMs: Int64) -> Int64? {
    let completedAtMs = completedAtMs.load(ordering: .relaxed)
    return completedAtMs == Self.never ? nil : max(0, nowMs - completedAtMs)
  }

  /// How many questions nodes have not answered as they should.
  var failures: Int { failureCount.load(ordering: .relaxed) }
}

import Synchronization

/// A change of what is in memory.
public enum AccessChange: Sendable {
  /// New rules take the place of all earlier ones.
  case rules(AccessRules)
  /// All that an account, by its name inside the broker, has bought and what has not ended yet.
  case account(username: [UInt8], access: [OfferAccess])
}

/// Hands changes from the watcher's thread to the broker's main thread, which never waits.
///
/// The watcher pushes batches onto a list with release semantics; the main thread looks with a
/// relaxed load whether there is any, and then takes the whole list with an exchange of acquire
/// semantics. Nothing is dereferenced that the relaxed load returned.
public final class ChangeQueue: Sendable {
  private final class Batch: Sendable {
    let changes: [AccessChange]
    /// The batch that was pushed before; retained.
    let older: Unmanaged<Batch>?

    init(changes: [AccessChange], older: Unmanaged<Batch>?) {
      self.changes = changes
      self.older = older
    }
  }

  private let newest = Atomic<Unmanaged<Batch>?>(nil)

  /// An empty queue.
  public init() {}

  deinit {
    _ = takeAll()
  }

  /// Adds changes.
  ///
  /// One thread at a time may push.
  public func push(_ changes: [AccessChange]) {
    guard !changes.isEmpty else { return }
    var older = newest.load(ordering: .relaxed)
    while true {
      let batch = Unmanaged.passRetained(Batch(changes: changes, older: older))
      let (isDone, current) = newest.compareExchange(
        expected: older, desired: batch, successOrdering: .releasing, failureOrdering: .relaxed)
      if isDone { return }
      batch.release()
      older = current
    }
  }

  /// Whether there is anything to take.
  public var isEmpty: Bool { newest.load(ordering: .relaxed) == nil }

  /// Takes all changes, oldest first, without waiting.
  public func takeAll() -> [AccessChange] {
    guard !isEmpty else { return [] }
    var batches: [Batch] = []
    var next = newest.exchange(nil, ordering: .acquiring)
    while let batch = next?.takeRetainedValue() {
      batches.append(batch)
      next = batch.older
    }
    return batches.reversed().flatMap(\.changes)
  }
}

import Synchronization

/// Values on their way from one thread to another, in their order.
///
/// The broker's main thread never waits here: where the other thread is just looking, it comes back
/// later.
final class Handover<Element: Sendable>: Sendable {
  private let limit: Int
  private let elements = Mutex<[Element]>([])
  private let isEmpty = Atomic(true)

  /// At most so many wait; what is more is dropped.
  init(limit: Int) {
    self.limit = limit
  }

  /// Adds a value; drops it where too many already wait, for nobody takes them then.
  func add(_ element: Element) {
    elements.withLock { elements in
      if elements.count < limit { elements.append(element) }
    }
    isEmpty.store(false, ordering: .releasing)
  }

  /// Adds values without waiting.
  ///
  /// - Parameter new: What is to be added, as far as there is room; empty afterwards.
  /// - Returns: Whether there was anything to add; `new` stays as it is where the other thread is
  ///   just looking.
  func addWithoutWaiting(_ new: inout [Element]) -> Bool {
    guard !new.isEmpty else { return false }
    let isDone = elements.withLockIfAvailable { elements in
      elements += new.prefix(max(0, limit - elements.count))
      return true
    }
    guard isDone ?? false else { return false }
    new.removeAll(keepingCapacity: true)
    isEmpty.store(false, ordering: .releasing)
    return true
  }

  /// Takes the values, without waiting: none where the other thread is just adding one.
  func takeAll() -> [Element] {
    guard !isEmpty.load(ordering: .acquiring) else { return [] }
    let taken = elements.withLockIfAvailable { elements in
      isEmpty.store(true, ordering: .relaxed)
      defer { elements = [] }
      return elements
    }
    return taken ?? []
  }
}

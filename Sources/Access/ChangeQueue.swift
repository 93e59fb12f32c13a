import Synchronization

/// Hands changes from the watcher's thread to the broker's main thread, which never waits, and takes
/// back what they replaced, so that the main thread never frees anything large.
///
/// The watcher pushes batches onto a list with release semantics; the main thread looks with a
/// relaxed load whether there is any, and then takes the whole list with an exchange of acquire
/// semantics. Nothing is dereferenced that the relaxed load returned. The way back is the same.
public final class ChangeQueue: Sendable {
  let newest = Atomic<Unmanaged<ChangeBatch>?>(nil)
  private let applied = Atomic<Unmanaged<ChangeBatch>?>(nil)

  /// An empty queue.
  public init() {}

  deinit {
    Self.free(Self.take(newest))
    freeApplied()
  }

  /// Adds changes; frees what earlier ones have replaced.
  ///
  /// They are applied in the order of the parameters, and after those of earlier pushes. One thread
  /// at a time may push.
  ///
  /// - Parameters:
  ///   - rules: What takes the place of all earlier rules.
  ///   - accounts: What takes the place of all that accounts held.
  ///   - changes: What takes the place of what some accounts held. The table of accounts has to have
  ///     room for them: those that do not fit get nothing.
  ///   - logins: What takes the place of all logins.
  ///   - loginChanges: Logins that are right from now on, or are not any more, a thousand at most;
  ///     there has to be room for them likewise.
  public func push(
    rules: consuming AccessRules? = nil, accounts: consuming AccountTable? = nil,
    changes: [AccountAccess] = [], logins: consuming LoginTable? = nil,
    loginChanges: [LoginChange] = []
  ) {
    freeApplied()
    let batch = ChangeBatch(
      rules: rules, accounts: accounts, changes: changes, logins: logins,
      loginChanges: loginChanges)
    Self.push(Unmanaged.passRetained(batch), onto: newest)
  }

  /// Frees what changes have replaced, on the thread that pushes.
  public func freeApplied() {
    Self.free(Self.take(applied))
  }

  /// Whether there is nothing to take.
  public var isEmpty: Bool { newest.load(ordering: .relaxed) == nil }

  /// Takes all batches, oldest first, without waiting.
  func takeAll() -> Unmanaged<ChangeBatch>? {
    var next = Self.take(newest)
    var oldest: Unmanaged<ChangeBatch>?
    while let batch = next {
      next = batch._withUnsafeGuaranteedRef { batch in
        let older = batch.next
        batch.next = oldest
        return older
      }
      oldest = batch
    }
    return oldest
  }

  /// Gives a batch back, once it is applied.
  func giveBack(_ batch: Unmanaged<ChangeBatch>) {
    Self.push(batch, onto: applied)
  }

  private static func push(
    _ batch: Unmanaged<ChangeBatch>, onto list: borrowing Atomic<Unmanaged<ChangeBatch>?>
  ) {
    var head = list.load(ordering: .relaxed)
    while true {
      batch._withUnsafeGuaranteedRef { $0.next = head }
      let (isDone, current) = list.compareExchange(
        expected: head, desired: batch, successOrdering: .releasing, failureOrdering: .relaxed)
      if isDone { return }
      head = current
    }
  }

  private static func take(
    _ list: borrowing Atomic<Unmanaged<ChangeBatch>?>
  ) -> Unmanaged<ChangeBatch>? {
    guard list.load(ordering: .relaxed) != nil else { return nil }
    return list.exchange(nil, ordering: .acquiring)
  }

  private static func free(_ list: Unmanaged<ChangeBatch>?) {
    var next = list
    while let batch = next?.takeRetainedValue() { next = batch.next }
  }
}

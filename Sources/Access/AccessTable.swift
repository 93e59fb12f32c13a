import PaywallCore

/// The answer to "may this client do this to this topic now?".
public enum Decision: Hashable, Sendable {
  /// Yes, whatever others say.
  case allow
  /// No, whatever others say.
  case deny
  /// Not our question: the broker's other access rules decide.
  case `defer`
}

/// Answers access questions from memory, on the broker's main thread.
///
/// Not `Sendable`: one thread owns it. Others hand changes over through a `ChangeQueue`. A question
/// neither allocates memory, nor locks, nor waits.
public struct AccessTable: ~Copyable {
  struct State: ~Copyable {
    var rules: AccessRules
    var accounts: AccountTable
    /// Changes that were taken from a queue and are not applied yet, oldest first.
    var pending: Unmanaged<ChangeBatch>?
    /// Retained; reached at each question, which a counted reference would make slower.
    let changes: Unmanaged<ChangeQueue>
  }

  /// In memory of its own, so that its owner can keep the table in a constant: what is reached
  /// through a class's variable costs a check for overlapping accesses each time.
  let state: UnsafeMutablePointer<State>

  /// A table of rules and of what accounts hold, that takes changes from a queue.
  public init(
    rules: consuming AccessRules = AccessRules(free: [], sold: [], accounts: []),
    accounts: consuming AccountTable = AccountTable(capacity: 0),
    changes: ChangeQueue = ChangeQueue()
  ) {
    state = .allocate(capacity: 1)
    state.initialize(
      to: State(
        rules: rules, accounts: accounts, pending: nil, changes: .passRetained(changes)))
  }

  deinit {
    var next = state.pointee.pending
    while let batch = next?.takeRetainedValue() { next = batch.next }
    state.pointee.changes.release()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Whether a message of a topic may go to a client.
  ///
  /// - Parameters:
  ///   - topic: The topic.
  ///   - username: The client's name inside the broker; nil for an anonymous client.
  ///   - nowMs: The tangle's time; asked for only where the answer depends on it.
  /// - Returns: Never `defer` for a topic that is sold.
  /// - Complexity: Independent of the number of accounts and offers, but for offers that sell this
  ///   very topic.
  public func mayRead(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?,
    nowMs: @autoclosure () -> Int64
  ) -> Decision {
    let topicClass = state.pointee.rules.topicClass(topic)
    if topicClass.isFree { return .allow }
    if topicClass.isSold {
      guard let username else { return .deny }
      if let account = state.pointee.accounts.find(username) {
        let nowMs = nowMs()
        if topicClass.isHeld(by: account, nowMs) { return .allow }
        if topicClass.hasMoreOffers,
          state.pointee.rules.isHeld(topic, by: account, nowMs: nowMs)
        {
          return .allow
        }
      }
      return topicClass.hasReaders && state.pointee.rules.isReader(username, of: topic)
        ? .allow : .deny
    }
    switch topicClass.own {
    case .no: return .defer
    case .offers: return .allow
    case .other:
      guard let username else { return .deny }
      return state.pointee.rules.isConfigured(username) ? .allow : .deny
    }
  }

  /// Whether any offer limits how many connections of one account may read at once.
  public var hasConnectionLimits: Bool { state.pointee.rules.hasConnectionLimits }

  /// How many connections of an account may read at once what ``mayRead(_:username:nowMs:)`` allows.
  ///
  /// - Returns: So many of the newest; nil: any number.
  public func connectionLimit(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> Int? {
    let topicClass = state.pointee.rules.topicClass(topic)
    guard topicClass.isSold, !topicClass.isFree, let username,
      let account = state.pointee.accounts.find(username),
      !(topicClass.hasReaders && state.pointee.rules.isReader(username, of: topic))
    else { return nil }
    return state.pointee.rules.connectionLimit(topic, of: account, nowMs: nowMs)
  }

  /// Whether a client may publish to a topic.
  public func mayWrite(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?
  ) -> Decision {
    let topicClass = state.pointee.rules.topicClass(topic)
    if topicClass.hasPublishers, let username,
      state.pointee.rules.isPublisher(username, of: topic)
    {
      return .allow
    }
    let isOurs = topicClass.isFree || topicClass.isSold || topicClass.own != .no
    return isOurs ? .deny : .defer
  }

  /// Whether a client may subscribe to a filter, `$share/…` included.
  ///
  /// Reading is what is judged at each delivery, so that a payment takes effect without a new
  /// SUBSCRIBE. But a member of a shared subscription who may not read would swallow the messages of
  /// the others.
  ///
  /// - Complexity: At most in proportion to the offers that the filter overlaps.
  public func maySubscribe(
    _ filter: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> Decision {
    guard let subscription = Subscription(filter),
      !state.pointee.rules.subscribing.isWhollyFree(subscription.filter)
    else { return .allow }
    let (filter, isShared) = (subscription.filter, subscription.isShared)
    let isStrict = state.pointee.rules.subscribing.isStrict
    guard isShared || isStrict && state.pointee.rules.subscribing.isWhollySold(filter) else {
      return .allow
    }
    let account = username.flatMap { state.pointee.accounts.find($0) }
    let isReadable =
      isShared
      ? state.pointee.rules.subscribing.isHeld(allOf: filter, by: account, nowMs)
      : state.pointee.rules.subscribing.isHeld(anyOf: filter, by: account, nowMs)
    if isReadable { return .allow }
    let isReader = username.map { state.pointee.rules.isReader($0, ofAll: filter) } ?? false
    return isReader ? .allow : .deny
  }

  /// Whether a filter asks for anything that is sold.
  public func concernsSold(_ filter: UnsafeRawBufferPointer) -> Bool {
    guard let subscription = Subscription(filter) else { return false }
    return state.pointee.rules.subscribing.concernsSold(subscription.filter)
  }
}

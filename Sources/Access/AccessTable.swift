import Glibc
public import PaywallCore

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
    var logins = LoginTable(capacity: 0)
    var withdrawnLoginsVersion: UInt64 = 0
    /// Changes that were taken from a queue and are not applied yet, oldest first.
    var pending: Unmanaged<ChangeBatch>?
    var rulesVersion: UInt64 = 0
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
  ///   - topic: The topic, with a NUL behind it, as the broker has it.
  ///   - username: The client's name inside the broker, likewise; nil for an anonymous client.
  ///   - nowMs: The tangle's time; asked for only where the answer depends on it.
  /// - Returns: Never `defer` for a topic that is sold.
  /// - Complexity: Independent of the number of accounts and offers, but for offers that sell this
  ///   very topic.
  public func mayRead(
    _ topic: UnsafePointer<CChar>, username: UnsafePointer<CChar>?, nowMs: () -> Int64
  ) -> Decision {
    let topicClass = state.pointee.rules.topicClass(topic)
    if topicClass.pointee.isFree { return .allow }
    guard topicClass.pointee.isSold else {
      return mayReadUnsold(topicClass, username: username.map(Self.bytes))
    }
    guard let username = username.map(Self.bytes) else { return .deny }
    let account = state.pointee.accounts.find(username, holding: topicClass.pointee.offerBits)
    if let account, topicClass.isHeld(by: account, nowMs) { return .allow }
    guard topicClass.pointee.isExceptional else { return .deny }
    return mayReadExceptionally(topicClass, Self.bytes(topic), username, account, nowMs)
  }

  /// ``mayRead(_:username:nowMs:)`` of topics that more offers sell than their class holds, or that
  /// configured accounts may read.
  @inline(never)
  private func mayReadExceptionally(
    _ topicClass: UnsafePointer<TopicClass>, _ topic: UnsafeRawBufferPointer,
    _ username: UnsafeRawBufferPointer, _ account: UnsafePointer<AccountRecord>?,
    _ nowMs: () -> Int64
  ) -> Decision {
    if topicClass.pointee.hasMoreOffers, let account,
      state.pointee.rules.isHeld(topic, by: account, nowMs: nowMs())
    {
      return .allow
    }
    return topicClass.pointee.hasReaders && state.pointee.rules.isReader(username, of: topic)
      ? .allow : .deny
  }

  /// ``mayRead(_:username:nowMs:)`` of topics that are neither sold nor free.
  @inline(never)
  private func mayReadUnsold(
    _ topicClass: UnsafePointer<TopicClass>, username: UnsafeRawBufferPointer?
  ) -> Decision {
    switch topicClass.pointee.own {
    case .no: return .defer
    case .offers: return .allow
    case .other:
      guard let username else { return .deny }
      return state.pointee.rules.isConfigured(username) ? .allow : .deny
    }
  }

  @inline(__always)
  private static func bytes(_ text: UnsafePointer<CChar>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: text, count: strlen(text))
  }

  /// Whether there is a configured account of this name.
  public func isConfigured(_ username: UnsafeRawBufferPointer) -> Bool {
    state.pointee.rules.isConfigured(username)
  }

  /// Whether a buyer's login is right, by the keyed hash of its name and password.
  public func isLogin(_ hash: Bytes32) -> Bool { state.pointee.logins.contains(hash) }

  /// Counts up whenever logins may be wrong that were right before.
  public var withdrawnLoginsVersion: UInt64 { state.pointee.withdrawnLoginsVersion }

  /// Whether an account has bought anything that had not ended when that was last looked at.
  public func isHolder(_ username: UnsafeRawBufferPointer) -> Bool {
    state.pointee.accounts.find(username) != nil
  }

  /// Whether any offer limits how many connections of one account may read at once.
  public var hasConnectionLimits: Bool { state.pointee.rules.hasConnectionLimits }

  /// How many connections of an account may read at once what ``mayRead(_:username:nowMs:)`` allows.
  ///
  /// - Returns: So many of the newest; nil: any number.
  public func connectionLimit(
    _ topic: UnsafePointer<CChar>, username: UnsafePointer<CChar>?, nowMs: Int64
  ) -> Int? {
    let topicClass = state.pointee.rules.topicClass(topic).pointee
    let topic = Self.bytes(topic)
    guard topicClass.isSold, !topicClass.isFree, let username = username.map(Self.bytes),
      let account = state.pointee.accounts.find(username),
      !(topicClass.hasReaders && state.pointee.rules.isReader(username, of: topic))
    else { return nil }
    return state.pointee.rules.connectionLimit(topic, of: account, nowMs: nowMs)
  }

  /// Whether a client may publish to a topic.
  public func mayWrite(
    _ topic: UnsafePointer<CChar>, username: UnsafePointer<CChar>?
  ) -> Decision {
    let topicClass = state.pointee.rules.topicClass(topic).pointee
    if topicClass.hasPublishers, let username = username.map(Self.bytes),
      state.pointee.rules.isPublisher(username, of: Self.bytes(topic))
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
  public func judgeSubscribe(
    _ bytes: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> SubscribeVerdict {
    guard let subscription = Subscription(bytes) else {
      return SubscribeVerdict(decision: .allow, isShared: false, concernsSold: false)
    }
    let filter = subscription.filter
    let isFree = state.pointee.rules.subscribing.isWhollyFree(filter)
    var verdict = SubscribeVerdict(
      decision: .allow, isShared: subscription.isShared, concernsSold: false)
    guard !isFree else { return verdict }
    let account = username.flatMap { state.pointee.accounts.find($0) }
    guard subscription.isShared else {
      verdict.concernsSold = state.pointee.rules.subscribing.concernsSold(filter)
      if verdict.concernsSold { verdict.decision = judgePlain(filter, username, account, nowMs) }
      return verdict
    }
    let share = state.pointee.rules.subscribing.share(of: filter, by: account, nowMs)
    verdict.concernsSold = share.concernsSold
    verdict.connectionLimit = share.connectionLimit
    guard !share.isHeld || share.connectionLimit != nil else { return verdict }
    if isReader(username, filter) {
      verdict.connectionLimit = nil
    } else if !share.isHeld {
      verdict.decision = .deny
    }
    return verdict
  }

  /// Judges a SUBSCRIBE of one client alone to something that is sold.
  private func judgePlain(
    _ filter: TopicFilter, _ username: UnsafeRawBufferPointer?,
    _ account: UnsafePointer<AccountRecord>?, _ nowMs: Int64
  ) -> Decision {
    guard state.pointee.rules.subscribing.isStrict,
      state.pointee.rules.subscribing.isWhollySold(filter),
      !state.pointee.rules.subscribing.isHeld(anyOf: filter, by: account, nowMs)
    else { return .allow }
    return isReader(username, filter) ? .allow : .deny
  }

  private func isReader(_ username: UnsafeRawBufferPointer?, _ filter: TopicFilter) -> Bool {
    username.map { state.pointee.rules.isReader($0, ofAll: filter) } ?? false
  }

  /// How often the rules were exchanged: what a SUBSCRIBE asks for may be sold since, or not any
  /// more.
  public var rulesVersion: UInt64 { state.pointee.rulesVersion }
}

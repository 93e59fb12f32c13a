import PaywallCore

/// Who is to be told of keys and of accounts: clients whose SUBSCRIBE matched, until they unsubscribe
/// or leave.
///
/// Who has unsubscribed is remembered until the end of the connection: else a client could have keys
/// made for it as fast as it can subscribe anew.
struct Recipients {
  /// What a filter matches.
  struct Wants: OptionSet {
    let rawValue: UInt8
    static let key = Wants(rawValue: 1)
    static let account = Wants(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What a plain filter matches; nothing where it is shared or none.
    init(_ filter: some Collection<UInt8>) {
      self = []
      guard let subscription = Subscription(filter), !subscription.isShared else { return }
      if subscription.filter.matches(topic: SystemTopic.key.utf8) { insert(.key) }
      if subscription.filter.matches(topic: SystemTopic.account.utf8) { insert(.account) }
    }
  }

  /// A client, as it was when it subscribed.
  struct Recipient {
    let clientID: [UInt8]
    /// The broker's record of its connection, only to be compared.
    let record: UnsafeRawPointer
    /// Its name inside the broker; nil: anonymous.
    let username: Username?
    fileprivate(set) var filters: [[UInt8]: Wants] = [:]
    /// What it waits for.
    fileprivate(set) var due: Wants = []
    fileprivate var dueAtMs: Int64 = .min
    fileprivate var isQueued = false
    /// Whether it was not told yet what its account holds, and that is being looked up.
    fileprivate var isUntold = false

    var wants: Wants { filters.values.reduce([]) { $0.union($1) } }

    init(clientID: [UInt8], record: UnsafeRawPointer, username: Username?) {
      self.clientID = clientID
      self.record = record
      self.username = username
    }
  }

  /// Nobody needs more filters that match the same two topics.
  private static let filterLimit = 16
  /// How often a client is answered at most.
  private static let pauseMs: Int64 = 1000
  /// After how long a question is asked again, in milliseconds.
  private static let patienceMs: Int64 = 5000
  /// More open questions than the watcher ever has.
  private static let askedLimit = 20_000

  private var recipients: [[UInt8]: Recipient] = [:]
  private var byUsername: [Username: Set<[UInt8]>] = [:]
  /// Those that wait for something, in the order in which they came; some have left since.
  private var waiting = FIFO<[UInt8]>()
  /// Those of them that were answered within the last second, about in the order of that.
  private var paused = FIFO<[UInt8]>()
  /// When the watcher was asked what an account holds, where it has not answered yet.
  private var askedAtMs: [Username: Int64] = [:]
  /// Who waits for that.
  private var untold: [Username: [[UInt8]]] = [:]

  /// How many places are kept for those that wait.
  var waitingCount: Int { waiting.count + paused.count }

  /// Whether there is nobody to tell.
  var isEmpty: Bool { recipients.isEmpty }

  /// The recipient of a client id.
  func recipient(_ clientID: [UInt8]) -> Recipient? { recipients[clientID] }

  // MARK: - Subscriptions

  /// Notes a subscription; again and again for the same filter, as MQTT allows.
  ///
  /// - Returns: The account of which nobody is to be told any more, if the client id was another's.
  mutating func subscribe(
    _ client: Recipient, to filter: [UInt8], _ wants: Wants
  ) -> Username? {
    let left =
      recipients[client.clientID].map { $0.record != client.record } ?? false
      ? remove(client.clientID) : nil
    var recipient = recipients[client.clientID] ?? client
    guard recipient.filters[filter] != nil || recipient.filters.count < Self.filterLimit else {
      return left
    }
    recipient.filters[filter] = wants
    recipient.due.formUnion(wants)
    if !recipient.isQueued { enqueue(client.clientID) }
    recipient.isQueued = true
    recipients[client.clientID] = recipient
    if wants.contains(.account), let username = recipient.username {
      byUsername[username, default: []].insert(client.clientID)
    }
    return left
  }

  private mutating func enqueue(_ clientID: [UInt8]) {
    waiting.append(clientID)
    // Where the turns of the loop are never told of, those that have left would pile up.
    guard waiting.count > 1000 + 2 * recipients.count else { return }
    var seen: Set<[UInt8]> = []
    waiting.removeAll { recipients[$0] == nil || !seen.insert($0).inserted }
  }

  /// Forgets a subscription.
  ///
  /// - Returns: The account of which nobody is to be told any more, if there is one.
  mutating func unsubscribe(_ clientID: [UInt8], from filter: [UInt8]) -> Username? {
    guard recipients[clientID]?.filters.removeValue(forKey: filter) != nil,
      let wants = recipients[clientID]?.wants
    else { return nil }
    recipients[clientID]?.due.formIntersection(wants)
    return wants.contains(.account) ? nil : leaveAccount(clientID)
  }

  /// Forgets a client that has left.
  ///
  /// - Returns: The account of which nobody is to be told any more, if there is one.
  mutating func remove(_ clientID: [UInt8]) -> Username? {
    let left = leaveAccount(clientID)
    recipients[clientID] = nil
    return left
  }

  private mutating func leaveAccount(_ clientID: [UInt8]) -> Username? {
    guard let username = recipients[clientID]?.username,
      byUsername[username]?.remove(clientID) != nil, byUsername[username]?.isEmpty ?? false
    else { return nil }
    byUsername[username] = nil
    return username
  }

  // MARK: - In the turns of the broker's loop

  /// Takes the first clients that wait for something, but for those that were answered within the last
  /// second.
  ///
  /// - Complexity: O(`limit`).
  mutating func takeDue(atMost limit: Int, nowMs: Int64) -> [Recipient] {
    var due: [Recipient] = []
    while due.count < limit, let clientID = nextDue(nowMs: nowMs) {
      guard var recipient = recipients[clientID] else { continue }
      recipient.isQueued = false
      due.append(recipient)
      if recipient.due.contains(.account), let username = recipient.username, !recipient.isUntold {
        recipient.isUntold = true
        untold[username, default: []].append(clientID)
      }
      recipient.due = []
      recipient.dueAtMs = nowMs &+ Self.pauseMs
      recipients[clientID] = recipient
    }
    return due
  }

  /// The next client that waits and is due; those that have left meanwhile are passed over.
  private mutating func nextDue(nowMs: Int64) -> [UInt8]? {
    while let next = paused.first {
      guard let recipient = recipients[next], recipient.isQueued, !recipient.due.isEmpty else {
        leaveQueue(paused.popFirst())
        continue
      }
      guard recipient.dueAtMs <= nowMs else { break }
      return paused.popFirst()
    }
    while let next = waiting.popFirst() {
      guard let recipient = recipients[next], recipient.isQueued, !recipient.due.isEmpty else {
        leaveQueue(next)
        continue
      }
      guard recipient.dueAtMs > nowMs else { return next }
      paused.append(next)
    }
    return nil
  }

  private mutating func leaveQueue(_ clientID: [UInt8]?) {
    if let clientID { recipients[clientID]?.isQueued = false }
  }

  /// Whether to ask what an account holds: that was not asked since the last answer, or so long ago
  /// that question or answer must have been lost.
  mutating func shouldAsk(_ username: Username, nowMs: Int64) -> Bool {
    if let askedAtMs = askedAtMs[username], nowMs &- askedAtMs < Self.patienceMs { return false }
    if askedAtMs.count >= Self.askedLimit { askedAtMs = [:] }
    askedAtMs[username] = nowMs
    return true
  }

  /// Takes the clients to which a message about an account goes.
  ///
  /// - Parameters:
  ///   - username: The account.
  ///   - isAnswer: Whether it says nothing new: then it is for those alone that wait for it.
  /// - Returns: Their client ids.
  mutating func takeRecipients(of username: Username, isAnswer: Bool) -> [Recipient] {
    if isAnswer { askedAtMs[username] = nil }
    let waiting = untold.removeValue(forKey: username) ?? []
    var taken: [Recipient] = []
    for clientID in isAnswer ? waiting : Array(byUsername[username] ?? []) {
      guard let recipient = recipients[clientID], recipient.username == username,
        recipient.isUntold || !isAnswer, recipient.wants.contains(.account)
      else { continue }
      recipients[clientID]?.isUntold = false
      taken.append(recipient)
    }
    return taken
  }
}

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

  private var recipients: [[UInt8]: Recipient] = [:]
  private var byUsername: [Username: Set<[UInt8]>] = [:]
  /// Those that wait for something, in the order in which they came.
  private var waiting: [[UInt8]] = []

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
    if !recipient.isQueued { waiting.append(client.clientID) }
    recipient.isQueued = true
    recipients[client.clientID] = recipient
    if wants.contains(.account), let username = recipient.username {
      byUsername[username, default: []].insert(client.clientID)
    }
    return left
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
  mutating func takeDue(atMost limit: Int, nowMs: Int64) -> [Recipient] {
    var due: [Recipient] = []
    var later: [[UInt8]] = []
    var looked = 0
    for clientID in waiting.prefix(limit * 20) {
      guard due.count < limit else { break }
      looked += 1
      guard let recipient = recipients[clientID] else { continue }
      guard recipient.due.isEmpty || recipient.dueAtMs <= nowMs else {
        later.append(clientID)
        continue
      }
      recipients[clientID]?.isQueued = false
      guard !recipient.due.isEmpty else { continue }
      due.append(recipient)
      recipients[clientID]?.isUntold = recipient.due.contains(.account)
      recipients[clientID]?.due = []
      recipients[clientID]?.dueAtMs = nowMs &+ Self.pauseMs
    }
    waiting.removeFirst(looked)
    waiting += later
    return due
  }

  /// Takes the clients to which a message about an account goes.
  ///
  /// - Parameters:
  ///   - username: The account.
  ///   - isAnswer: Whether it says nothing new: then it is for those alone that wait for it.
  /// - Returns: Their client ids.
  mutating func takeRecipients(of username: Username, isAnswer: Bool) -> [Recipient] {
    var taken: [Recipient] = []
    for clientID in byUsername[username] ?? [] {
      guard let recipient = recipients[clientID], recipient.isUntold || !isAnswer else { continue }
      recipients[clientID]?.isUntold = false
      taken.append(recipient)
    }
    return taken
  }
}

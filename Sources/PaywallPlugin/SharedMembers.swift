import PaywallCore

/// Members of shared subscriptions.
///
/// The broker gives each message of a group to one member, and drops it where that one may not read
/// it: so a member whose time is over would swallow what the others have paid for. All members are
/// known, for what they share may be sold from the next SIGHUP on.
///
/// It takes as much memory, within a small factor, as the broker's own record of the same
/// subscriptions.
struct SharedMembers {
  /// A client's membership.
  struct Member: Hashable {
    var clientID: [UInt8]
    /// The filter as it was subscribed to, `$share/…` included.
    var filter: [UInt8]
  }

  /// What the broker keeps for a client id, connected or not.
  struct Session {
    /// The account that it belongs to; nil: none.
    var username: Username?
    /// The broker's record of its connection, only to be compared; nil: none that is known.
    var record: UnsafeRawPointer?
    /// Whether its connections are told of: those with TLS identities are not, before 2.1.
    var isWatched: Bool
    /// Whether it is over once its connection is; false also where that is unknown, as by MQTT 5.
    var endsWithConnection: Bool
    fileprivate var filters: Set<[UInt8]> = []
    fileprivate var size = 0
    fileprivate var offline: Offline?

    init(
      username: Username?, record: UnsafeRawPointer?, isWatched: Bool,
      endsWithConnection: Bool = false
    ) {
      self.username = username
      self.record = record
      self.isWatched = isWatched
      self.endsWithConnection = endsWithConnection
    }
  }

  /// A session without connection.
  fileprivate struct Offline {
    var sinceMs: Int64
    var nextSearchMs: Int64
  }

  /// How much a client's filters may take, in bytes: more than a thousand of them.
  static let sizeLimit = 256 * 1024
  /// What a filter takes beside its own bytes.
  private static let sizeOfEntry = 200

  /// How long it takes to look at all members of what is sold, in milliseconds; see `lookLimit`.
  private static let turnMs: Int64 = 250
  /// How many are looked at in one turn of the broker's loop, of which there are ten a second at
  /// least: 10 000 members are looked at within a second.
  private static let lookLimit = 1500
  /// How long it takes to look through all sessions that are offline, in milliseconds.
  private static let searchTurnMs: Int64 = 1000
  /// The shortest time between two searches for a session, in milliseconds.
  private static let searchMs: Int64 = 1000

  private var sessions: [[UInt8]: Session] = [:]
  private var ofSold = Turns<Member>()
  /// Members of nothing that is sold: looked at when the rules have changed.
  private var ofOthers = Turns<Member>()
  private var offline = Turns<[UInt8]>()

  /// Whether there is nobody to look after.
  var isEmpty: Bool { sessions.isEmpty }

  /// How many members there are.
  var count: Int { ofSold.count + ofOthers.count }

  /// Whether a member is looked at all the time, and not only when the rules have changed.
  func isLookedAfter(_ member: Member) -> Bool { ofSold.contains(member) }

  /// The session of a client id that shares anything.
  func session(of clientID: [UInt8]) -> Session? { sessions[clientID] }

  /// What a client id shares, as it was subscribed to.
  func filters(of clientID: [UInt8]) -> Set<[UInt8]> { sessions[clientID]?.filters ?? [] }

  // MARK: - Subscriptions

  /// Notes a subscription that is to be allowed.
  ///
  /// - Returns: False where this client has too many already.
  mutating func insert(_ member: Member, of session: Session, concernsSold: Bool) -> Bool {
    var known = sessions[member.clientID] ?? session
    if known.filters.insert(member.filter).inserted {
      known.size += member.filter.count + Self.sizeOfEntry
      guard known.size <= Self.sizeLimit else { return false }
    }
    sessions[member.clientID] = known
    place(member, concernsSold: concernsSold)
    return true
  }

  /// Says whether what a member shares is sold.
  mutating func place(_ member: Member, concernsSold: Bool) {
    guard sessions[member.clientID]?.filters.contains(member.filter) ?? false else { return }
    if concernsSold {
      ofOthers.remove(member)
      ofSold.insert(member)
    } else {
      ofSold.remove(member)
      ofOthers.insert(member)
    }
  }

  /// Forgets a subscription that has ended.
  mutating func remove(_ member: Member) {
    let isKnown = sessions[member.clientID]?.filters.remove(member.filter) != nil
    guard isKnown else { return }
    sessions[member.clientID]?.size -= member.filter.count + Self.sizeOfEntry
    ofSold.remove(member)
    ofOthers.remove(member)
    if sessions[member.clientID]?.filters.isEmpty ?? false { removeSession(member.clientID) }
  }

  /// Takes over what the broker says a session has subscribed to, and whether it is sold.
  mutating func keep(_ kept: [[UInt8]: Bool], of clientID: [UInt8]) {
    guard let session = sessions[clientID] else { return }
    for (filter, concernsSold) in kept {
      // Filters of a session that was restored from disk are new here.
      let member = Member(clientID: clientID, filter: filter)
      _ = insert(member, of: session, concernsSold: concernsSold)
    }
    for filter in session.filters where kept[filter] == nil {
      remove(Member(clientID: clientID, filter: filter))
    }
  }

  /// Forgets all subscriptions of a client.
  mutating func removeAll(of clientID: [UInt8]) {
    guard let session = sessions[clientID] else { return }
    for filter in session.filters { remove(Member(clientID: clientID, filter: filter)) }
  }

  private mutating func removeSession(_ clientID: [UInt8]) {
    sessions[clientID] = nil
    offline.remove(clientID)
  }

  // MARK: - Connections

  /// Takes notice of a session's connection.
  ///
  /// A new session ends the old one's subscriptions, and one that has ended leaves none.
  mutating func connected(_ clientID: [UInt8], as connection: Session, isNew: Bool) {
    guard let known = sessions[clientID], known.record != connection.record else { return }
    guard !isNew, !known.endsWithConnection else { return removeAll(of: clientID) }
    sessions[clientID]?.username = connection.username
    sessions[clientID]?.record = connection.record
    sessions[clientID]?.isWatched = connection.isWatched
    sessions[clientID]?.offline = nil
    offline.remove(clientID)
  }

  /// Takes notice that a session's connection has ended while its client id has another: the broker
  /// may keep the next one in the same place.
  mutating func loseConnection(_ clientID: [UInt8]) {
    guard sessions[clientID]?.endsWithConnection != true else { return removeAll(of: clientID) }
    sessions[clientID]?.record = nil
  }

  /// Takes notice that a session has no connection any more: it may have ended too.
  mutating func disconnected(_ clientID: [UInt8], nowMs: Int64) {
    guard let session = sessions[clientID], session.offline == nil else { return }
    sessions[clientID]?.record = nil
    sessions[clientID]?.offline = Offline(sinceMs: nowMs, nextSearchMs: nowMs)
    if session.isWatched { offline.insert(clientID) }
  }

  // MARK: - In the turns of the broker's loop

  /// Has all members looked at, for the rules have changed.
  mutating func lookAtAll() {
    ofOthers.restart()
  }

  /// Those whose turn it is to be looked at.
  mutating func takeDue(nowMs: Int64) -> [Member] {
    let sold = ofSold.take(turnMs: Self.turnMs, nowMs: nowMs, atMost: Self.lookLimit)
    return sold + ofOthers.take(atMost: Self.lookLimit)
  }

  /// Sessions that are offline and to be searched for, for the broker does not tell of each one's
  /// end.
  ///
  /// Each is searched for again after as long as it has been offline: so none that has ended is kept
  /// longer than twice its time.
  mutating func takeOffline(nowMs: Int64) -> [[UInt8]] {
    let due = offline.take(turnMs: Self.searchTurnMs, nowMs: nowMs, atMost: Self.lookLimit)
    return due.filter { clientID in
      guard let times = sessions[clientID]?.offline, nowMs >= times.nextSearchMs else {
        return false
      }
      sessions[clientID]?.offline?.nextSearchMs = nowMs + max(Self.searchMs, nowMs - times.sinceMs)
      return true
    }
  }
}

import Access
import CMosquittoPlugin
import PaywallCore

/// What becomes of members of shared subscriptions.
extension Plugin {
  /// Answers whether a client may become a member, and notes it.
  func share(
    _ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?,
    _ verdict: SubscribeVerdict
  ) -> Decision {
    guard verdict.decision == .allow, let client,
      let clientID = Self.bytes(mosquitto_client_id(client)).map({ Array($0) })
    else { return verdict.decision }
    let record = Self.record(of: client)
    guard isWithin(verdict.connectionLimit, record) else { return .deny }
    let session = SharedMembers.Session(
      username: username.map { Username($0) }, record: record,
      isWatched: connections.contains(record), endsWithConnection: Self.endsWithConnection(client))
    sharedMembers.connected(
      clientID, as: session, isNew: mosquitto_client_clean_session(client))
    let member = SharedMembers.Member(clientID: clientID, filter: Array(filter))
    let isNoted = sharedMembers.insert(member, of: session, concernsSold: verdict.concernsSold)
    return isNoted ? .allow : .deny
  }

  /// Forgets a membership that is given up.
  func unshare(_ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer) {
    guard !sharedMembers.isEmpty, let client,
      let clientID = Self.bytes(mosquitto_client_id(client))
    else { return }
    sharedMembers.remove(
      SharedMembers.Member(clientID: Array(clientID), filter: Array(filter)))
  }

  /// Answers whether a session that is kicked keeps a subscription, which the broker removes
  /// otherwise.
  ///
  /// Asked from inside `kick`: it is no client that asks. A plain subscription stays, so that it
  /// works again after the next payment.
  func keep(
    _ filter: UnsafeRawBufferPointer, _ verdict: SubscribeVerdict, of client: OpaquePointer?
  ) -> Decision {
    guard verdict.isShared else { return .allow }
    guard verdict.decision == .allow, isWithin(verdict.connectionLimit, client.map(Self.record))
    else { return .deny }
    keptByKicked?[Array(filter)] = verdict.concernsSold
    return .allow
  }

  /// Notes that a connection has ended, and perhaps the session too.
  ///
  /// Whether it has, each version of the broker tells in another way, or not at all; and the end of
  /// a CONNECT that was refused looks the same. So the session is searched for later, where the
  /// beginning of connections is known too: else the search would kick it.
  ///
  /// - Parameters:
  ///   - client: Whose connection it was.
  ///   - wasClean: Whether it began a new session; nil: its beginning is not known.
  func endShare(_ client: OpaquePointer, wasClean: Bool?) {
    guard !sharedMembers.isEmpty,
      let clientID = Self.bytes(mosquitto_client_id(client)).map({ Array($0) }),
      let session = sharedMembers.session(of: clientID),
      session.record == Self.record(of: client) || wasClean != nil && session.isWatched
    else { return }
    guard !connections.isConnected(clientID) else {
      guard session.record == Self.record(of: client) else { return }
      // What is taken over the broker makes clean first: then the other connection is accepted. Else
      // that may be a CONNECT which is refused yet.
      let isTakenOver = wasClean == false && mosquitto_client_clean_session(client)
      return isTakenOver ? follow(clientID) : sharedMembers.loseConnection(clientID)
    }
    if Self.endsWithConnection(client), !session.isWatched {
      return sharedMembers.removeAll(of: clientID)
    }
    sharedMembers.disconnected(clientID, nowMs: shared.clock.monotonicMs)
  }

  /// Whether a client's session is over once its connection is; with MQTT 5 that is not told.
  private static func endsWithConnection(_ client: OpaquePointer) -> Bool {
    mosquitto_client_clean_session(client) && mosquitto_client_protocol_version(client) < 5
  }

  // MARK: - In the turns of the broker's loop

  /// Kicks members who may no longer read what they share, and forgets those whose session has
  /// ended.
  ///
  /// Never from a check: the broker would free what it is walking over.
  func lookAfterShared() {
    guard !sharedMembers.isEmpty else { return }
    if sharedRulesVersion != table.rulesVersion {
      sharedRulesVersion = table.rulesVersion
      sharedMembers.lookAtAll()
    }
    let nowMs = shared.clock.monotonicMs
    var mayNotStay: Set<[UInt8]> = []
    for member in sharedMembers.takeDue(nowMs: nowMs) where !mayStay(member) {
      mayNotStay.insert(member.clientID)
    }
    for clientID in mayNotStay { kick(clientID) }
    for clientID in sharedMembers.takeOffline(nowMs: nowMs) {
      follow(clientID)
      // To kick a session that is offline only has its subscriptions judged, and fails where it has
      // ended.
      if !connections.isConnected(clientID) { kick(clientID) }
    }
  }

  /// Takes notice of the connection that a session has now.
  ///
  /// Only in a turn of the loop, or where the former one was taken over: until then a CONNECT may
  /// still be refused, and with websockets even longer.
  private func follow(_ clientID: [UInt8]) {
    guard let newest = connections.newest(of: clientID),
      let former = sharedMembers.session(of: clientID),
      !(former.record.map { $0 != newest.record && connections.contains($0) } ?? false)
    else { return }
    let session = SharedMembers.Session(
      username: newest.username, record: newest.record, isWatched: true)
    sharedMembers.connected(clientID, as: session, isNew: newest.isClean)
  }

  private func mayStay(_ member: SharedMembers.Member) -> Bool {
    follow(member.clientID)
    guard let session = sharedMembers.session(of: member.clientID) else { return true }
    let verdict = member.filter.withUnsafeBytes { filter in
      guard let username = session.username else {
        return table.judgeSubscribe(filter, username: nil, nowMs: shared.clock.nowMs)
      }
      return username.withUnsafeBytes {
        table.judgeSubscribe(filter, username: $0, nowMs: shared.clock.nowMs)
      }
    }
    sharedMembers.place(member, concernsSold: verdict.concernsSold)
    // The id may have passed to somebody else since.
    guard !connections.isTaken(member.clientID, byOtherThan: session.username) else { return true }
    guard verdict.decision == .allow else { return false }
    // Or it has a newer connection already, and the end of this one is not told yet.
    let newest = connections.newest(of: member.clientID)
    return isWithin(verdict.connectionLimit, session.record)
      || newest?.username == session.username
        && isWithin(verdict.connectionLimit, newest?.record)
  }

  /// Whether a connection is among the newest of its account.
  private func isWithin(_ limit: Int?, _ record: UnsafeRawPointer?) -> Bool {
    guard let limit else { return true }
    return record.map { connections.isAmongNewest(limit, $0) } ?? false
  }

  /// Ends a client's connection, and those shared subscriptions of its session that it may not have.
  ///
  /// The broker calls back from inside, of each subscription and of the connection's end: nothing
  /// here may be in the middle of a change then.
  private func kick(_ clientID: [UInt8]) {
    guard sharedMembers.session(of: clientID) != nil else { return }
    endConnection(clientID)
    guard !connections.isConnected(clientID) else { return }
    sharedMembers.disconnected(clientID, nowMs: shared.clock.monotonicMs)
  }

  /// Ends a client's connection; only in a turn of the loop.
  func endConnection(_ clientID: [UInt8]) {
    keptByKicked = [:]
    let name = clientID.map { CChar(bitPattern: $0) } + [0]
    _ = mosquitto_kick_client_by_clientid(name, true)
    let kept = keptByKicked ?? [:]
    keptByKicked = nil
    guard sharedMembers.session(of: clientID) != nil else { return }
    sharedMembers.keep(kept, of: clientID)
  }
}

import Access
import CMosquittoPlugin

/// What the broker asks about topics.
extension Plugin {
  /// Answers ACL_CHECK.
  func checkAccess(_ event: mosquitto_evt_acl_check) -> CInt {
    guard isOnMainThread, let topic = Self.bytes(event.topic) else {
      return MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
    table.applyChanges()
    let username = event.client.flatMap { Self.bytes(mosquitto_client_username($0)) }
    switch event.access {
    case MOSQ_ACL_READ:
      let decision = table.mayRead(
        topic, username: username, nowMs: clock._withUnsafeGuaranteedRef { $0.tickMs })
      guard decision == .allow, table.hasConnectionLimits else { return Self.code(decision) }
      return Self.code(isWithinLimit(event.client, topic, username) ? .allow : .deny)
    case MOSQ_ACL_WRITE:
      return Self.code(table.mayWrite(topic, username: username))
    case MOSQ_ACL_SUBSCRIBE:
      return subscribe(event.client, topic, username)
    case MOSQ_ACL_UNSUBSCRIBE:
      unsubscribe(event.client, topic, username)
      return MOSQ_ERR_SUCCESS.rawValue
    default:
      return MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
  }

  /// Kicks those members of shared subscriptions who may no longer read what they share.
  ///
  /// Never from a check: the broker would free what it is walking over.
  func kickSharedMembers() {
    let nowMs = shared.clock.nowMs
    let gone = sharedMembers.removeAll { member in
      member.filter.withUnsafeBytes { filter in
        guard let username = member.username else {
          return table.maySubscribe(filter, username: nil, nowMs: nowMs) == .deny
        }
        return username.withUnsafeBytes {
          table.maySubscribe(filter, username: $0, nowMs: nowMs) == .deny
        }
      }
    }
    // The id may have passed to somebody else since.
    for member in gone where !connections.isTaken(member.clientID, byOtherThan: member.username) {
      let clientID = member.clientID.map { CChar(bitPattern: $0) } + [0]
      _ = mosquitto_kick_client_by_clientid(clientID, true)
    }
  }

  /// Whether a connection is among the newest of its account that may read a topic at once.
  private func isWithinLimit(
    _ client: OpaquePointer?, _ topic: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) -> Bool {
    let limit = table.connectionLimit(topic, username: username, nowMs: shared.clock.tickMs)
    guard let limit else { return true }
    return client.map { connections.isAmongNewest(limit, Self.record(of: $0)) } ?? false
  }

  private func subscribe(
    _ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) -> CInt {
    let nowMs = shared.clock.nowMs
    let decision = table.maySubscribe(filter, username: username, nowMs: nowMs)
    guard table.concernsSold(filter) else { return Self.code(decision) }
    shared.signals.demand(nowMs: SharedClock.monotonicMs())
    guard decision == .allow, filter.starts(with: Self.sharedPrefix),
      let member = Self.member(client, filter, username)
    else { return Self.code(decision) }
    return Self.code(sharedMembers.insert(member) ? .allow : .deny)
  }

  private func unsubscribe(
    _ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) {
    guard !sharedMembers.isEmpty, let member = Self.member(client, filter, username) else { return }
    sharedMembers.remove(member)
  }

  private static func member(
    _ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) -> SharedMembers.Member? {
    guard let client, let clientID = bytes(mosquitto_client_id(client)) else { return nil }
    return SharedMembers.Member(
      clientID: Array(clientID), username: username.map { Array($0) }, filter: Array(filter))
  }

  private static let sharedPrefix = Array("$share/".utf8)

  private static func code(_ decision: Decision) -> CInt {
    // Anything but these three would make the broker drop clients or messages of others.
    switch decision {
    case .allow: MOSQ_ERR_SUCCESS.rawValue
    case .deny: MOSQ_ERR_ACL_DENIED.rawValue
    case .defer: MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
  }
}

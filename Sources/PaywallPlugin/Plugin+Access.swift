import Access
import CMosquittoPlugin

/// What the broker asks about topics.
extension Plugin {
  /// Answers ACL_CHECK.
  ///
  /// READ is asked for each delivery to each subscriber: what it does not need is not done for it.
  func checkAccess(_ event: UnsafePointer<mosquitto_evt_acl_check>) -> CInt {
    guard isOnMainThread, let topic = event.pointee.topic else {
      return MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
    table.applyChanges()
    let client = event.pointee.client
    let username = client.flatMap { mosquitto_client_username($0) }
    switch event.pointee.access {
    case MOSQ_ACL_READ:
      let decision = table.mayRead(topic, username: username) {
        clock._withUnsafeGuaranteedRef { $0.tickMs }
      }
      guard decision == .allow, table.hasConnectionLimits,
        !isWithinLimit(client, topic, username)
      else { return Self.code(count(decision, topic)) }
      return Self.code(count(.deny, topic))
    case MOSQ_ACL_WRITE:
      return Self.code(table.mayWrite(topic, username: username))
    case MOSQ_ACL_SUBSCRIBE:
      return Self.code(subscribe(client, Self.bytes(topic), username.map { Self.bytes($0) }))
    case MOSQ_ACL_UNSUBSCRIBE:
      unshare(client, Self.bytes(topic))
      leave(client, Self.bytes(topic))
      return MOSQ_ERR_SUCCESS.rawValue
    default:
      return MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
  }

  /// Counts what was decided of a delivery, but for the broker's own topics: what it tells of itself
  /// would count too.
  @inline(__always)
  private func count(_ decision: Decision, _ topic: UnsafePointer<CChar>) -> Decision {
    guard UInt8(bitPattern: topic.pointee) != UInt8(ascii: "$") else { return decision }
    switch decision {
    case .allow: deliveries.pointee.allowed &+= 1
    case .deny: deliveries.pointee.denied &+= 1
    case .defer: break
    }
    return decision
  }

  /// Whether a connection is among the newest of its account that may read a topic at once.
  private func isWithinLimit(
    _ client: OpaquePointer?, _ topic: UnsafePointer<CChar>, _ username: UnsafePointer<CChar>?
  ) -> Bool {
    let limit = table.connectionLimit(topic, username: username, nowMs: shared.clock.tickMs)
    guard let limit else { return true }
    guard let client else { return false }
    noticeCertificate(of: client)
    return connections.isAmongNewest(limit, Self.record(of: client))
  }

  private func subscribe(
    _ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) -> Decision {
    let verdict = table.judgeSubscribe(filter, username: username, nowMs: shared.clock.nowMs)
    if keptByKicked != nil { return keep(filter, verdict, of: client) }
    if let client { noticeCertificate(of: client) }
    if verdict.concernsSold { shared.signals.demand(nowMs: shared.clock.monotonicMs) }
    if let client, verdict.decision == .allow { noteRecipient(client, filter, username) }
    return verdict.isShared ? share(client, filter, username, verdict) : verdict.decision
  }

  private static func code(_ decision: Decision) -> CInt {
    // Anything but these three would make the broker drop clients or messages of others.
    switch decision {
    case .allow: MOSQ_ERR_SUCCESS.rawValue
    case .deny: MOSQ_ERR_ACL_DENIED.rawValue
    case .defer: MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
  }
}

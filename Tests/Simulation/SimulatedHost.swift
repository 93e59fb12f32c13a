import CMosquittoPlugin
import FakeBroker
import PaywallCore

@testable import PaywallPlugin

/// The broker that a simulated plugin is loaded into: what it asks and tells the plugin's callbacks, in
/// the order of Mosquitto 2.0 or 2.1, and what it does with the answers.
final class SimulatedHost {
  /// What a CONNECT comes to.
  enum Entry { case refused, proven, `deferred` }

  private struct Session {
    var number: Int
    var record: BrokerRecord
    /// Whether it outlives its connection.
    var isKept: Bool
    var isConnected = true
    var shared: Set<String> = []
  }

  let plugin: Plugin
  private let broker = fake_broker_new()
  private let places = RecordPlaces()
  private var sessions: [Int: Session] = [:]
  /// For questions about accounts of which nobody need be connected.
  private var strangers: [String?: BrokerRecord] = [:]
  /// Whether it tells of connections that begin, and of sessions that go on without one.
  private let isNewer: Bool
  private let sabotage: Sabotage?

  private static let disconnect = CInt(MOSQ_EVT_DISCONNECT.rawValue)
  /// Events of Mosquitto 2.1.
  private static let newerConnect: CInt = 11
  private static let newerClientOffline: CInt = 28

  /// A broker into which a plugin is loaded.
  init(_ shared: SharedState, isNewer: Bool, sabotage: Sabotage?) throws {
    self.isNewer = isNewer
    self.sabotage = sabotage
    guard let identifier = fake_broker_identifier(broker) else {
      throw BrokenPromise(.error, "there is no broker")
    }
    plugin = Plugin(
      identifier: identifier, shared: shared, realm: PlainTransaction.realm,
      masterKey: PlainTransaction.masterKey)
    guard plugin.register() else { throw BrokenPromise(.error, "there are no callbacks") }
    if isNewer {
      plugin.findSession = { [unowned self] id in
        Int(String(cString: id)).flatMap { self.sessions[$0] }.map {
          OpaquePointer($0.record.pointer)
        }
      }
    }
  }

  deinit {
    plugin.stop()
    fake_broker_free(broker)
  }

  /// Who has a session, in the order in which the connections came.
  var clients: [PlainClient] {
    sessions.map { id, session in
      PlainClient(
        number: session.number, id: id, account: session.record.username, isKept: session.isKept,
        isConnected: session.isConnected, shared: session.shared)
    }.sorted { $0.number < $1.number }
  }

  /// What the plugin has not noticed of connections and groups; nil: nothing.
  var unnoticed: String? {
    let count = sessions.values.count { $0.isConnected }
    guard plugin.connections.count == count else {
      return "\(plugin.connections.count) connections, not \(count)"
    }
    for (id, session) in sessions.sorted(by: { $0.key < $1.key }) {
      let known = plugin.sharedMembers.filters(of: Array("\(id)".utf8))
      for filter in session.shared where !known.contains(Array(Self.shared(filter).utf8)) {
        return "\(id) is no member of \(filter)"
      }
    }
    return nil
  }

  // MARK: - Connections

  /// A CONNECT.
  ///
  /// - Parameters:
  ///   - client: Who wants to connect.
  ///   - login: How.
  ///   - isKnownElsewhere: Whether the broker's own means let in whom the plugin says nothing of.
  /// - Returns: Whether it is let in.
  func connect(_ client: PlainClient, _ login: PlainLogin, isKnownElsewhere: Bool) -> Bool {
    let (id, isKept) = (client.id, client.isKept)
    let record = BrokerRecord(
      in: places, id: "\(id)", username: login.username, password: login.password, isKept: isKept)
    let entry = authenticate(record)
    let former = sessions[id]
    let isImpostor = sabotage == .impostor && former?.isConnected == true
    guard entry == .proven || entry == .deferred && isKnownElsewhere || isImpostor else {
      tell(Self.disconnect, record)
      return false
    }
    // Mosquitto 2.0 tells of what is taken over though it was offline.
    if let former, former.isConnected || !isNewer {
      // As Mosquitto does before it ends what is taken over.
      former.record.pointer.pointee.clean_session = true
      tell(Self.disconnect, former.record)
    }
    sessions[id] = Session(
      number: client.number, record: record, isKept: isKept,
      shared: isKept && former?.isKept ?? false ? former?.shared ?? [] : [])
    if isNewer { tell(Self.newerConnect, record) }
    return true
  }

  /// Whether somebody would be let in, who leaves at once.
  func entry(username: String?, password: String) -> Entry {
    let record = BrokerRecord(in: places, id: "passing", username: username, password: password)
    defer { tell(Self.disconnect, record) }
    return authenticate(record)
  }

  private func authenticate(_ record: BrokerRecord) -> Entry {
    var event = mosquitto_evt_basic_auth()
    event.client = record.pointer
    event.username = UnsafeMutablePointer(mutating: record.pointer.pointee.username)
    func ask() -> CInt { fake_broker_call(broker, CInt(MOSQ_EVT_BASIC_AUTH.rawValue), &event) }
    let code =
      record.password.map { password in
        Array(password.utf8CString).withUnsafeBufferPointer { password in
          event.password = UnsafeMutablePointer(mutating: password.baseAddress)
          return ask()
        }
      } ?? ask()
    return switch code {
    case MOSQ_ERR_SUCCESS.rawValue: .proven
    case MOSQ_ERR_PLUGIN_DEFER.rawValue: .deferred
    default: .refused
    }
  }

  /// The end of a connection, and of a session that is not kept.
  func disconnect(_ id: Int) {
    guard let session = sessions[id], session.isConnected else { return }
    sessions[id]?.isConnected = false
    tell(isNewer && session.isKept ? Self.newerClientOffline : Self.disconnect, session.record)
    if !session.isKept { sessions[id] = nil }
  }

  private func tell(_ number: CInt, _ record: BrokerRecord) {
    // The data of the newer events begin the same.
    var event = mosquitto_evt_disconnect()
    event.client = record.pointer
    _ = fake_broker_call(broker, number, &event)
  }

  /// A SIGHUP: everybody is asked about again, who is connected and who is not.
  ///
  /// - Returns: The ids of those who are refused, in order.
  func reload() -> [Int] {
    var event = mosquitto_evt_reload()
    _ = fake_broker_call(broker, CInt(MOSQ_EVT_RELOAD.rawValue), &event)
    let refused = sessions.sorted { $0.key < $1.key }
      .filter { authenticate($0.value.record) == .refused }.map(\.key)
    for id in refused { disconnect(id) }
    return refused
  }

  /// Whether a member of a group is looked at all the time.
  func isLookedAfter(_ filter: String, _ id: Int) -> Bool {
    plugin.sharedMembers.isLookedAfter(
      .init(clientID: Array("\(id)".utf8), filter: Array(Self.shared(filter).utf8)))
  }

  // MARK: - Topics

  /// Whether a client may become one of a group.
  func share(_ filter: String, _ id: Int) -> Bool {
    guard let session = sessions[id],
      check(MOSQ_ACL_SUBSCRIBE, Self.shared(filter), session.record) == .allow
    else { return false }
    sessions[id]?.shared.insert(filter)
    return true
  }

  /// A client leaves a group.
  func unshare(_ filter: String, _ id: Int) {
    guard let session = sessions[id] else { return }
    _ = check(MOSQ_ACL_UNSUBSCRIBE, Self.shared(filter), session.record)
    sessions[id]?.shared.remove(filter)
  }

  /// Whether a session gets a message.
  func mayRead(_ topic: String, _ id: Int) -> PlainAccess.Answer {
    sessions[id].map { check(MOSQ_ACL_READ, topic, $0.record) } ?? .deny
  }

  /// What is answered about an account of which nobody need be connected.
  func check(_ access: CInt, _ topic: String, account: String?) -> PlainAccess.Answer {
    let record = strangers[account] ?? BrokerRecord(in: places, id: "stranger", username: account)
    strangers[account] = record
    return check(access, topic, record)
  }

  private func check(
    _ access: CInt, _ topic: String, _ record: BrokerRecord
  ) -> PlainAccess.Answer {
    let code = topic.withCString { topic in
      var event = mosquitto_evt_acl_check()
      event.client = record.pointer
      event.topic = topic
      event.access = access
      return fake_broker_call(broker, CInt(MOSQ_EVT_ACL_CHECK.rawValue), &event)
    }
    return switch code {
    case MOSQ_ERR_SUCCESS.rawValue: .allow
    case MOSQ_ERR_PLUGIN_DEFER.rawValue: .defer
    default: .deny
    }
  }

  private static func shared(_ filter: String) -> String { "$share/g/\(filter)" }

  // MARK: - The broker's loop

  /// A turn of the loop, in which clients may be kicked.
  func tick() {
    fake_broker_on_kick(
      { id, context in
        guard let id, let context else { return MOSQ_ERR_INVAL.rawValue }
        let host = Unmanaged<SimulatedHost>.fromOpaque(context).takeUnretainedValue()
        return host.kick(String(cString: id))
      }, Unmanaged.passUnretained(self).toOpaque())
    defer { fake_broker_on_kick(nil, nil) }
    var event = mosquitto_evt_tick()
    _ = fake_broker_call(broker, CInt(MOSQ_EVT_TICK.rawValue), &event)
  }

  /// Asks about the subscriptions of a session that is kept, then ends the connection.
  private func kick(_ clientID: String) -> CInt {
    guard let id = Int(clientID), let session = sessions[id] else {
      return MOSQ_ERR_NOT_FOUND.rawValue
    }
    guard sabotage != .swallowingMember else { return MOSQ_ERR_SUCCESS.rawValue }
    if session.isKept {
      let kept = session.shared.sorted().filter {
        check(MOSQ_ACL_SUBSCRIBE, Self.shared($0), session.record) == .allow
      }
      sessions[id]?.shared = Set(kept)
    }
    disconnect(id)
    return MOSQ_ERR_SUCCESS.rawValue
  }
}

import CMosquittoPlugin
import FakeBroker

/// A broker's sessions, for what becomes of a client that is kicked.
final class Sessions {
  struct Session {
    var connection: PluginHost.Connection
    /// Whether it outlives the connection.
    var isKept = false
    var isConnected = true
    var filters: [String] = []
  }

  private let host: PluginHost
  private var sessions: [String: Session] = [:]
  /// Those whose connection was ended, in order.
  private(set) var kicked: [String] = []
  /// How often a kick found no session.
  private(set) var missed = 0

  /// Sessions that the kicks of this thread concern, until the end of `body`.
  static func with(_ host: PluginHost, _ body: (Sessions) throws -> Void) rethrows {
    let sessions = Sessions(host)
    let context = Unmanaged.passUnretained(sessions).toOpaque()
    fake_broker_on_kick(
      { id, context in
        guard let id, let context else { return MOSQ_ERR_INVAL.rawValue }
        let sessions = Unmanaged<Sessions>.fromOpaque(context).takeUnretainedValue()
        return sessions.kick(String(cString: id))
      }, context)
    defer { fake_broker_on_kick(nil, nil) }
    try body(sessions)
  }

  private init(_ host: PluginHost) {
    self.host = host
  }

  subscript(id: String) -> Session? { sessions[id] }

  /// Connects, with a session of its own or the one that goes on.
  func connect(
    _ connection: PluginHost.Connection, password: String? = nil, isKept: Bool = false,
    goesOn: Bool = false
  ) {
    _ = host.connect(connection, password: password)
    if let old = sessions[connection.id], old.isConnected {
      // As Mosquitto does before it ends what is taken over.
      old.connection.isClean = true
      host.disconnect(old.connection)
    }
    let filters = goesOn ? sessions[connection.id]?.filters ?? [] : []
    sessions[connection.id] = Session(connection: connection, isKept: isKept, filters: filters)
  }

  /// Ends a connection.
  func disconnect(_ id: String, event: CInt = CInt(MOSQ_EVT_DISCONNECT.rawValue)) {
    guard let session = sessions[id], session.isConnected else { return }
    sessions[id]?.isConnected = false
    host.disconnect(session.connection, event: event)
    if !session.isKept { sessions[id] = nil }
  }

  /// Ends a session that is not connected.
  func expire(_ id: String) {
    sessions[id] = nil
  }

  func subscribe(_ id: String, _ filter: String) -> CInt {
    guard let session = sessions[id] else { return MOSQ_ERR_NOT_FOUND.rawValue }
    let code = host.check(MOSQ_ACL_SUBSCRIBE, filter, by: session.connection)
    if code == MOSQ_ERR_SUCCESS.rawValue { sessions[id]?.filters.append(filter) }
    return code
  }

  /// As Mosquitto does: asks about the filters of a session that is kept, then ends the connection.
  private func kick(_ id: String) -> CInt {
    guard let session = sessions[id] else {
      missed += 1
      return MOSQ_ERR_NOT_FOUND.rawValue
    }
    if session.isConnected { kicked.append(id) }
    if session.isKept {
      sessions[id]?.filters = session.filters.filter {
        host.check(MOSQ_ACL_SUBSCRIBE, $0, by: session.connection) == MOSQ_ERR_SUCCESS.rawValue
      }
    }
    disconnect(id)
    return MOSQ_ERR_SUCCESS.rawValue
  }
}

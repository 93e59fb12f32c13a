import CMosquittoPlugin

/// The callbacks that the plugin registers with the broker.
///
/// Each finds its `Plugin` in `userdata`. RELOAD always answers 0: anything else stops Mosquitto 2.1
/// and breaks 2.0.
enum Callbacks {
  private typealias Callback =
    @convention(c) (CInt, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CInt

  private static let all: [(event: CInt, callback: Callback)] = [
    (CInt(MOSQ_EVT_RELOAD.rawValue), reload), (CInt(MOSQ_EVT_ACL_CHECK.rawValue), checkAccess),
    (CInt(MOSQ_EVT_BASIC_AUTH.rawValue), authenticate), (CInt(MOSQ_EVT_TICK.rawValue), tick),
    (CInt(MOSQ_EVT_DISCONNECT.rawValue), disconnected),
    (newerConnect, connected), (newerClientOffline, disconnected),
  ]

  /// Events of Mosquitto 2.1: `MOSQ_EVT_CONNECT` and `MOSQ_EVT_CLIENT_OFFLINE`.
  ///
  /// Older headers do not name them and older brokers do not know them. Their data begin as those of
  /// DISCONNECT.
  private static let newerConnect: CInt = 11
  private static let newerClientOffline: CInt = 28

  /// Registers all of them; false where the broker refuses one that it should know.
  static func register(_ identifier: OpaquePointer, _ userdata: UnsafeMutableRawPointer) -> Bool {
    all.allSatisfy { event, callback in
      let code = mosquitto_callback_register(identifier, event, callback, nil, userdata)
      return code == MOSQ_ERR_SUCCESS.rawValue
        || code == MOSQ_ERR_NOT_SUPPORTED.rawValue && event >= newerConnect
    }
  }

  /// Takes all of them back, for the broker would keep their memory otherwise.
  static func unregister(_ identifier: OpaquePointer) {
    for (event, callback) in all {
      _ = mosquitto_callback_unregister(identifier, event, callback, nil)
    }
  }

  private static let reload: Callback = { _, _, userdata in
    plugin(userdata)?.reload()
    return MOSQ_ERR_SUCCESS.rawValue
  }

  private static let checkAccess: Callback = { _, event, userdata in
    guard let userdata, let event = event?.assumingMemoryBound(to: mosquitto_evt_acl_check.self)
    else { return MOSQ_ERR_ACL_DENIED.rawValue }
    // The broker's reference is enough; to count another one at each delivery costs as much as the
    // check.
    return Unmanaged<Plugin>.fromOpaque(userdata)._withUnsafeGuaranteedRef {
      $0.checkAccess(event)
    }
  }

  private static let authenticate: Callback = { _, event, userdata in
    guard let plugin = plugin(userdata),
      let event = event?.assumingMemoryBound(to: mosquitto_evt_basic_auth.self)
    else { return MOSQ_ERR_AUTH.rawValue }
    return plugin.authenticate(event.pointee)
  }

  private static let tick: Callback = { _, event, userdata in
    plugin(userdata)?.tick()
    let tick = event?.assumingMemoryBound(to: mosquitto_evt_tick.self)
    // Mosquitto 2.1 names this field next_ms: it may sleep for hours where nobody asks to be woken.
    tick?.pointee.next_ns = 100
    // It adds that to these, and calls again once its wall clock is past the sum: where the clock was
    // put back by hours, it would not call for hours.
    tick?.pointee.now_s = 0
    tick?.pointee.now_ns = 0
    return MOSQ_ERR_SUCCESS.rawValue
  }

  private static let connected: Callback = { _, event, userdata in
    if let client = client(event) { plugin(userdata)?.connected(client) }
    return MOSQ_ERR_SUCCESS.rawValue
  }

  private static let disconnected: Callback = { _, event, userdata in
    if let client = client(event) { plugin(userdata)?.disconnected(client) }
    return MOSQ_ERR_SUCCESS.rawValue
  }

  private static func client(_ event: UnsafeMutableRawPointer?) -> OpaquePointer? {
    event?.assumingMemoryBound(to: mosquitto_evt_disconnect.self).pointee.client
  }

  private static func plugin(_ userdata: UnsafeMutableRawPointer?) -> Plugin? {
    userdata.map { Unmanaged<Plugin>.fromOpaque($0).takeUnretainedValue() }
  }
}

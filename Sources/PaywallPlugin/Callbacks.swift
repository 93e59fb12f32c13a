import CMosquittoPlugin

/// The callbacks that the plugin registers with the broker.
///
/// Each finds its `Plugin` in `userdata`. RELOAD always answers 0: anything else stops Mosquitto 2.1
/// and breaks 2.0.
enum Callbacks {
  private typealias Callback =
    @convention(c) (CInt, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CInt

  private static let all: [(event: mosquitto_plugin_event, callback: Callback)] = [
    (MOSQ_EVT_RELOAD, reload), (MOSQ_EVT_ACL_CHECK, checkAccess),
    (MOSQ_EVT_BASIC_AUTH, authenticate), (MOSQ_EVT_TICK, tick),
  ]

  /// Registers all of them; false where the broker refuses one.
  static func register(_ identifier: OpaquePointer, _ userdata: UnsafeMutableRawPointer) -> Bool {
    all.allSatisfy { event, callback in
      mosquitto_callback_register(identifier, CInt(event.rawValue), callback, nil, userdata)
        == MOSQ_ERR_SUCCESS.rawValue
    }
  }

  /// Takes all of them back, for the broker would keep their memory otherwise.
  static func unregister(_ identifier: OpaquePointer) {
    for (event, callback) in all {
      _ = mosquitto_callback_unregister(identifier, CInt(event.rawValue), callback, nil)
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
      $0.checkAccess(event.pointee)
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
    // Mosquitto 2.1 names this field next_ms: it may sleep for hours where nobody asks to be woken.
    event?.assumingMemoryBound(to: mosquitto_evt_tick.self).pointee.next_ns = 100
    return MOSQ_ERR_SUCCESS.rawValue
  }

  private static func plugin(_ userdata: UnsafeMutableRawPointer?) -> Plugin? {
    userdata.map { Unmanaged<Plugin>.fromOpaque($0).takeUnretainedValue() }
  }
}

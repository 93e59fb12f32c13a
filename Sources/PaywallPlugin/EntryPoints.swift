public import CMosquittoPlugin

// The three functions that the broker looks up (<mosquitto_plugin.h>, "Plugin Functions v5"). The
// compiler checks them against that header. The state travels in `userdata`: the same shared library
// may be named by several `plugin` lines.

// swift-format-ignore: AlwaysUseLowerCamelCase
/// Tells the broker which version of the plugin interface this is: 5.
@c @implementation
public func mosquitto_plugin_version(
  _ supported_version_count: CInt, _ supported_versions: UnsafePointer<CInt>?
) -> CInt {
  let supported = UnsafeBufferPointer(
    start: supported_versions, count: max(0, Int(supported_version_count)))
  return supported.contains(MOSQ_PLUGIN_VERSION) ? MOSQ_PLUGIN_VERSION : -1
}

// swift-format-ignore: AlwaysUseLowerCamelCase
/// Starts the plugin: reads the configuration, opens the ledger, begins to watch the tangle.
///
/// Anything that an admin has to mend makes the broker refuse to start, with one sentence in its
/// log.
@c @implementation
public func mosquitto_plugin_init(
  _ identifier: OpaquePointer?, _ user_data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ options: UnsafeMutablePointer<mosquitto_opt>?, _ option_count: CInt
) -> CInt {
  guard let identifier, let user_data else { return MOSQ_ERR_INVAL.rawValue }
  user_data.pointee = nil
  let options = PluginOptions(options, count: option_count)
  do {
    let plugin = try Plugin.start(identifier: identifier, options: options)
    user_data.pointee = Unmanaged.passRetained(plugin).toOpaque()
    return MOSQ_ERR_SUCCESS.rawValue
  } catch {
    BrokerLog.write(.error, "\(error)")
    return MOSQ_ERR_INVAL.rawValue
  }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
/// Stops the plugin, within a second.
///
/// Mosquitto 2.1 calls it after a failed init too.
@c @implementation
public func mosquitto_plugin_cleanup(
  _ user_data: UnsafeMutableRawPointer?, _ options: UnsafeMutablePointer<mosquitto_opt>?,
  _ option_count: CInt
) -> CInt {
  guard let user_data else { return MOSQ_ERR_SUCCESS.rawValue }
  Unmanaged<Plugin>.fromOpaque(user_data).takeRetainedValue().stop()
  return MOSQ_ERR_SUCCESS.rawValue
}

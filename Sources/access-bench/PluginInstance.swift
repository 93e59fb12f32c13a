import CMosquittoPlugin
import FakeBroker
import Glibc
import PaywallPlugin

/// The plugin, loaded by a fake broker.
final class PluginInstance {
  private let broker = fake_broker_new()
  private var userdata: UnsafeMutableRawPointer?

  /// Starts it with a configuration.
  init(_ configuration: String) throws {
    let (key, value) = (strdup("config_file"), strdup(configuration))
    defer {
      free(key)
      free(value)
    }
    var options = mosquitto_opt(key: key, value: value)
    let code = mosquitto_plugin_init(fake_broker_identifier(broker), &userdata, &options, 1)
    guard code == MOSQ_ERR_SUCCESS.rawValue else {
      let log = fake_broker_log()
      defer { free(log) }
      throw PluginError(description: log.map { String(cString: $0) } ?? "the plugin did not start")
    }
  }

  /// Asks it an ACL question, as the broker does.
  @inline(__always)
  func check(_ event: inout mosquitto_evt_acl_check) -> CInt {
    fake_broker_call(broker, CInt(MOSQ_EVT_ACL_CHECK.rawValue), &event)
  }

  /// Ends it.
  func stop() {
    _ = mosquitto_plugin_cleanup(userdata, nil, 0)
    fake_broker_free(broker)
  }
}

/// Why the plugin did not start, as it told the broker.
struct PluginError: Error, CustomStringConvertible {
  let description: String
}

/// A folder that lasts as long as this object.
final class Folder {
  private let location: String

  init() throws {
    var template = Array("/tmp/access-bench-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw PluginError(description: "no temporary folder can be made: errno \(errno)")
    }
    location = String(cString: made)
  }

  deinit {
    let parts = ["", "-wal", "-shm", "-lock"].map { "paywall.db" + $0 }
    for name in ["paywall.toml", "paywall.key"] + parts { unlink(path(name)) }
    rmdir(location)
  }

  func path(_ name: String) -> String { "\(location)/\(name)" }

  func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else {
      throw PluginError(description: "\(path) cannot be written: errno \(errno)")
    }
    fputs(text, file)
    fclose(file)
  }
}

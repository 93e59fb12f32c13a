import CMosquittoPlugin

/// The `plugin_opt_…` lines of `mosquitto.conf`.
struct PluginOptions {
  /// Where `paywall.toml` is.
  let configurationPath: String

  /// Copies what the broker passes: the strings are its own.
  init(_ options: UnsafeMutablePointer<mosquitto_opt>?, count: CInt) {
    var path = ""
    for option in UnsafeBufferPointer(start: options, count: max(0, Int(count))) {
      guard let key = option.key, let value = option.value else { continue }
      if String(cString: key) == "config_file" { path = String(cString: value) }
    }
    configurationPath = path
  }

  init(configurationPath: String) {
    self.configurationPath = configurationPath
  }
}

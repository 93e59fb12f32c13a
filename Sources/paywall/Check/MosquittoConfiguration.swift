import Foundation

/// What `mosquitto.conf` says, as far as it matters to a paywall.
///
/// Source: mosquitto.conf(5); eclipse-mosquitto/mosquitto, src/conf.c.
struct MosquittoConfiguration {
  /// A `plugin` line with the options that follow it.
  struct Plugin {
    var path: String
    /// `FILE:LINE`.
    var place: String
    var options: [String: String] = [:]

    /// Whether it is ours, by its file's name.
    var isPaywall: Bool {
      path.split(separator: "/").last?.contains("mosquitto_paywall") == true
    }
  }

  private(set) var plugins: [Plugin] = []
  private(set) var passwordFiles: [String] = []
  /// Where `per_listener_settings true` stands.
  private(set) var perListenerPlace: String?
  /// Whether a listener lets other means authenticate: certificates or pre-shared keys.
  private(set) var hasCertificateNames = false
  private var allowsAnonymous: Bool?
  /// Whether other machines can connect at all.
  private(set) var hasListener = false
  /// Files and folders that are included and cannot be read.
  private(set) var unreadable: [String] = []

  /// Whether clients without a login may connect.
  var isAnonymousAllowed: Bool { allowsAnonymous ?? !hasListener }

  /// The paywall's lines.
  var paywalls: [Plugin] { plugins.filter(\.isPaywall) }

  /// Whether another plugin may authenticate clients.
  var hasOtherPlugin: Bool { plugins.contains { !$0.isPaywall } }

  /// Reads a file and those that it includes.
  ///
  /// - Throws: Where the file itself cannot be read.
  init(path: String) throws {
    try read(path, mayInclude: true)
  }

  private mutating func read(_ path: String, mayInclude: Bool) throws {
    let contents = try Data(contentsOf: URL(fileURLWithPath: path))
    // A carriage return before the end is cut off below; together they are one Character.
    let lines = contents.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() where bytes.first != UInt8(ascii: "#") {
      let line = String(decoding: bytes, as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let key = line.prefix { $0 != " " && $0 != "\t" }
      let value = line.dropFirst(key.count).trimmingCharacters(in: .whitespaces)
      take(String(key), value, place: "\(path):\(index + 1)")
      if mayInclude, key == "include_dir" { include(value) }
    }
  }

  private mutating func take(_ key: String, _ value: String, place: String) {
    switch key {
    case "plugin", "global_plugin", "auth_plugin":
      plugins.append(Plugin(path: value, place: place))
    case "plugin_load":
      // A name for `plugin_use`, then the path.
      let path = value.drop { $0 != " " }.drop { $0 == " " }
      plugins.append(Plugin(path: String(path), place: place))
    case "per_listener_settings": perListenerPlace = value == "true" ? place : nil
    case "allow_anonymous", "listener_allow_anonymous": allowsAnonymous = value == "true"
    case "password_file": passwordFiles.append(value)
    case "listener", "port": hasListener = true
    case "use_identity_as_username", "use_subject_as_username":
      if value == "true" { hasCertificateNames = true }
    case "psk_file": hasCertificateNames = true
    default:
      for prefix in ["plugin_opt_", "auth_opt_"] where key.hasPrefix(prefix) && !plugins.isEmpty {
        plugins[plugins.count - 1].options[String(key.dropFirst(prefix.count))] = value
      }
    }
  }

  /// Reads the files of a folder in Mosquitto's order: upper case of each letter first.
  private mutating func include(_ folder: String) {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      return unreadable.append(folder)
    }
    let files = names.filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }
      .sorted { ($0.lowercased(), $0) < ($1.lowercased(), $1) }
    for name in files {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      do {
        try read(path, mayInclude: false)
      } catch {
        unreadable.append(path)
      }
    }
  }
}

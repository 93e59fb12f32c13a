import Foundation
import TOMLKit

/// Reads `sensor-agent.toml`.
///
/// Its errors name the file, the line and the key.
struct SettingsFile {
  let path: String
  let text: String

  /// Reads the settings in a file.
  /// - Throws: when it cannot be read, is no TOML, or says something that is not understood.
  static func read(_ path: String) throws(AgentError) -> AgentSettings {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw AgentError("\(path) cannot be read; is it there, readable for this user, and UTF-8?")
    }
    return try SettingsFile(path: path, text: text).settings()
  }

  func settings() throws(AgentError) -> AgentSettings {
    let root = try parse()
    for key in root.keys where !["broker", "plug"].contains(key) {
      throw AgentError(
        "\(place(section: key)): there is no \"\(key)\"; "
          + "settings are in [broker] and [[plug]].")
    }
    var settings = AgentSettings()
    if let broker = try section("broker", of: root["broker"]) {
      try broker.read(into: &settings.broker)
    }
    if let plug = try section("plug", of: root["plug"]) {
      try plug.read(into: &settings.plug)
    }
    // Tables within the root are valid only as long as the root is.
    return withExtendedLifetime(root) { settings }
  }

  /// `file, line n`, as far as the line can be found.
  func place(section: String, key: String? = nil) -> String {
    let lines = TOMLLines(text)
    let line = key.map { lines.line(of: $0, in: section) } ?? lines.line(of: section)
    return line.map { "\(path), line \($0)" } ?? path
  }

  private func parse() throws(AgentError) -> TOMLTable {
    do {
      return try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      throw AgentError("\(path), line \(error.source.begin.line): \(error.description).")
    } catch {
      throw AgentError("\(path): it is no TOML: \(error).")
    }
  }

  private func section(
    _ name: String, of value: (any TOMLValueConvertible)?
  ) throws(AgentError) -> SettingsSection? {
    guard let value else { return nil }
    if name == "broker", let table = value.table {
      return SettingsSection(file: self, name: name, table: table)
    }
    if name == "plug", let array = value.array {
      guard array.count == 1, let table = array[0].table else {
        throw AgentError(
          "\(place(section: name)): there must be one [[plug]]; run one agent for each.")
      }
      return SettingsSection(file: self, name: name, table: table)
    }
    let header = name == "plug" ? "[[plug]]" : "[broker]"
    throw AgentError(
      "\(place(section: name)): \"\(name)\" must be a section, under a line \(header).")
  }
}

/// One section of the file.
struct SettingsSection {
  let file: SettingsFile
  let name: String
  let table: TOMLTable

  func read(into broker: inout BrokerSettings) throws(AgentError) {
    try rejectUnknownKeys([
      "host", "port", "username", "password_file", "cafile", "tls", "client_id",
    ])
    broker.host = try string("host") ?? broker.host
    broker.port = try integer("port", in: 1...65_535)
    broker.username = try string("username")
    broker.passwordFile = try string("password_file")
    broker.caFile = try string("cafile")
    broker.usesTLS = try bool("tls") ?? broker.usesTLS
    broker.clientID = try string("client_id")
  }

  func read(into plug: inout PlugSettings) throws(AgentError) {
    try rejectUnknownKeys([
      "source", "url", "interval_ms", "silence_ms", "average", "topic_live", "topic_average",
      "topic_status",
    ])
    _ = try choice("source", of: ["wemo"])
    plug.url = try string("url")
    plug.intervalMs =
      try integer("interval_ms", in: PlugSettings.intervals) ?? plug.intervalMs
    plug.silenceMs = try integer("silence_ms", in: PlugSettings.silences) ?? plug.silenceMs
    let average = try choice("average", of: PlugSettings.Average.allCases.map(\.rawValue))
    plug.average = average.flatMap(PlugSettings.Average.init) ?? plug.average
    plug.liveTopic = try string("topic_live") ?? plug.liveTopic
    plug.averageTopic = try string("topic_average") ?? plug.averageTopic
    plug.statusTopic = try string("topic_status") ?? plug.statusTopic
  }

  private func rejectUnknownKeys(_ known: [String]) throws(AgentError) {
    for key in table.keys.sorted() where !known.contains(key) {
      throw error(
        key, "there is no such key in [\(name)]; it knows \(known.joined(separator: ", "))")
    }
  }

  private func string(_ key: String) throws(AgentError) -> String? {
    guard let value = table[key] else { return nil }
    guard let string = value.string, !string.isEmpty else {
      throw error(key, "must be a text in quotes, and not empty")
    }
    return string
  }

  private func bool(_ key: String) throws(AgentError) -> Bool? {
    guard let value = table[key] else { return nil }
    guard let bool = value.bool else { throw error(key, "must be true or false") }
    return bool
  }

  private func integer(_ key: String, in range: ClosedRange<Int>) throws(AgentError) -> Int? {
    guard let value = table[key] else { return nil }
    guard let number = value.int, range.contains(number) else {
      throw error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private func choice(_ key: String, of choices: [String]) throws(AgentError) -> String? {
    guard let value = try string(key) else { return nil }
    guard choices.contains(value) else {
      throw error(key, "is \"\(value)\", but must be one of: \(choices.joined(separator: ", "))")
    }
    return value
  }

  private func error(_ key: String, _ reason: String) -> AgentError {
    AgentError("\(file.place(section: name, key: key)): \(key) \(reason).")
  }
}

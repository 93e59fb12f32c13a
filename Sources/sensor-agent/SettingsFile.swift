import Foundation
import TOML

/// Reads `sensor-agent.toml`; its errors name the file, the line and the key.
enum SettingsFile {
  /// Reads the settings in a file.
  ///
  /// - Throws: `AgentError` or `TOMLError` when it cannot be read, is no TOML, or says something that
  ///   is not understood.
  static func read(_ path: String) throws -> AgentSettings {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw AgentError("\(path) cannot be read; is it there, readable for this user, and UTF-8?")
    }
    return try settings(text, path: path)
  }

  /// Reads the settings in a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - path: The file it comes from, for errors.
  ///   - contents: What is in a file that the text names; nil where it cannot be read.
  /// - Returns: The settings.
  /// - Throws: `TOMLError` when it is no TOML, or says something that is not understood.
  static func settings(
    _ text: String, path: String,
    contents: (String) -> Data? = { FileManager.default.contents(atPath: $0) }
  ) throws(TOMLError) -> AgentSettings {
    let root = try TOMLDocument.parse(text, path: path)
    var settings = AgentSettings()
    if let broker = try root.table("broker") {
      settings.broker.agentTopic = try broker.text("topic_agent") ?? settings.broker.agentTopic
      try settings.broker.read(broker)
    }
    for table in try root.tables("plug") {
      var plug = PlugSettings()
      try plug.read(table, contents)
      settings.plugs.append(plug)
    }
    try root.finish()
    return settings
  }
}

extension BrokerSettings {
  mutating func read(_ table: TOMLTable) throws(TOMLError) {
    host = try table.text("host") ?? host
    port = try table.integer("port", in: 1...65_535).map { Int($0) }
    username = try table.text("username")
    passwordFile = try table.text("password_file")
    caFile = try table.text("cafile")
    usesTLS = try table.boolean("tls") ?? usesTLS
    clientID = try table.text("client_id")
    version = try table.value("mqtt", Version.self) ?? version
    try table.finish()
  }
}

extension PlugSettings {
  fileprivate mutating func read(
    _ table: TOMLTable, _ contents: (String) -> Data?
  ) throws(TOMLError) {
    name = try table.text("name")
    source = try SourceSettings.read(table, contents)
    intervalMs = try table.integer("interval_ms", in: Self.intervals) ?? intervalMs
    silenceMs = try table.integer("silence_ms", in: Self.silences) ?? silenceMs
    average = try table.value("average", Average.self) ?? average
    unit = try table.value("unit", Unit.self) ?? unit
    format = try table.value("format", Format.self) ?? format
    expiryS = try table.integer("expiry_s", in: Self.expiries) ?? expiryS
    announcesToHomeAssistant = try table.boolean("home_assistant") ?? announcesToHomeAssistant
    givenLiveTopic = try table.text("topic_live")
    givenAverageTopic = try table.text("topic_average")
    givenStatusTopic = try table.text("topic_status")
    try table.finish()
  }
}

extension TOMLTable {
  func text(_ key: String) throws(TOMLError) -> String? {
    guard let text = try string(key) else { return nil }
    guard !text.isEmpty else { throw error(key, "is empty; leave the line out, or fill it in") }
    return text
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(TOMLError) -> Int? {
    try integer(key, in: Int64(range.lowerBound)...Int64(range.upperBound)).map { Int($0) }
  }

  func choice(_ key: String, of choices: [String]) throws(TOMLError) -> String? {
    guard let value = try text(key) else { return nil }
    guard choices.contains(value) else {
      throw error(key, "is \"\(value)\", but must be one of: \(choices.joined(separator: ", "))")
    }
    return value
  }

  func value<Value: RawRepresentable & CaseIterable>(
    _ key: String, _: Value.Type
  ) throws(TOMLError) -> Value? where Value.RawValue == String {
    try choice(key, of: Value.allCases.map(\.rawValue)).flatMap { Value(rawValue: $0) }
  }
}

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

  static func settings(_ text: String, path: String) throws(TOMLError) -> AgentSettings {
    let root = try TOMLDocument.parse(text, path: path)
    var settings = AgentSettings()
    if let broker = try root.table("broker") { try settings.broker.read(broker) }
    let plugs = try root.tables("plug")
    guard plugs.count <= 1 else {
      throw root.error("plug", "there is more than one [[plug]]; run one agent for each")
    }
    if let plug = plugs.first { try settings.plug.read(plug) }
    try root.finish()
    return settings
  }
}

extension BrokerSettings {
  fileprivate mutating func read(_ table: TOMLTable) throws(TOMLError) {
    host = try table.text("host") ?? host
    port = try table.integer("port", in: 1...65_535).map { Int($0) }
    username = try table.text("username")
    passwordFile = try table.text("password_file")
    caFile = try table.text("cafile")
    usesTLS = try table.boolean("tls") ?? usesTLS
    clientID = try table.text("client_id")
    try table.finish()
  }
}

extension PlugSettings {
  fileprivate mutating func read(_ table: TOMLTable) throws(TOMLError) {
    _ = try table.choice("source", of: ["wemo"])
    url = try table.text("url")
    intervalMs = try table.integer("interval_ms", in: Self.intervals) ?? intervalMs
    silenceMs = try table.integer("silence_ms", in: Self.silences) ?? silenceMs
    let kind = try table.choice("average", of: Average.allCases.map(\.rawValue))
    average = kind.flatMap(Average.init) ?? average
    liveTopic = try table.text("topic_live") ?? liveTopic
    averageTopic = try table.text("topic_average") ?? averageTopic
    statusTopic = try table.text("topic_status") ?? statusTopic
    try table.finish()
  }
}

extension TOMLTable {
  fileprivate func text(_ key: String) throws(TOMLError) -> String? {
    guard let text = try string(key) else { return nil }
    guard !text.isEmpty else { throw error(key, "is empty; leave the line out, or fill it in") }
    return text
  }

  fileprivate func integer(
    _ key: String, in range: ClosedRange<Int>
  ) throws(TOMLError) -> Int? {
    try integer(key, in: Int64(range.lowerBound)...Int64(range.upperBound)).map { Int($0) }
  }

  fileprivate func choice(_ key: String, of choices: [String]) throws(TOMLError) -> String? {
    guard let value = try text(key) else { return nil }
    guard choices.contains(value) else {
      throw error(key, "is \"\(value)\", but must be one of: \(choices.joined(separator: ", "))")
    }
    return value
  }
}

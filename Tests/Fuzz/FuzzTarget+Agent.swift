import CMosquitto
import Foundation
import PaywallCore
@testable import SmartPlug
import TOML

extension FuzzTarget {
  /// The agent's settings; behind a NUL, what is in every file that they name.
  static let agentTOML = FuzzTarget(name: "agent-toml") { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard let text = String(validating: parts[0], as: UTF8.self) else { return }
    let file = parts.dropFirst().first.map { Data($0) }
    let settings: AgentSettings
    do throws(TOMLError) {
      settings = try SettingsFile.settings(text, path: "agent.toml") { _ in file }
    } catch {
      let lineCount = text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
      try promise(!error.reason.isEmpty, "an error says why")
      try promise(
        error.line.map { (1...lineCount).contains($0) } ?? true, "an error names a line of the file"
      )
      return
    }
    for plug in settings.plugs { try check(plug) }
    let (written, files) = AgentText.written(settings)
    let again = try? SettingsFile.settings(written, path: "agent.toml") { files[$0] }
    try promise(again == settings, "settings are read as they are written:\n\(written)")
    do throws(AgentError) {
      try settings.check()
    } catch {
      return try promise(!error.description.isEmpty, "an error says what to change")
    }
    for topic in settings.plugs.flatMap(\.topics) + [settings.willTopic] {
      try promise(
        isText(topic) && mosquitto_pub_topic_check(topic) == MOSQ_ERR_SUCCESS.rawValue,
        "libmosquitto publishes to \(topic.debugDescription)")
    }
    for plug in settings.plugs {
      guard case .mqtt(let topic, _, _) = plug.source else { continue }
      try promise(
        isText(topic) && mosquitto_sub_topic_check(topic) == MOSQ_ERR_SUCCESS.rawValue,
        "libmosquitto subscribes to \(topic.debugDescription)")
    }
  }

  private static func check(_ plug: PlugSettings) throws {
    try promise(
      PlugSettings.intervals.contains(plug.intervalMs)
        && PlugSettings.silences.contains(plug.silenceMs)
        && PlugSettings.expiries.contains(plug.expiryS), "times are within their bounds")
    guard case .sim(let curve) = plug.source, (try? SimulatedPlug(curve)) != nil else { return }
    for seconds in [0, 0.001, 0.5, 1, 59.999, 3600, 1e9, 9.3e15] {
      let watts = curve.watts(atS: seconds)
      try promise(
        PowerPlace.milliwatts(watts: watts) != nil, "after \(seconds) s \(watts) W are plausible")
    }
  }

  private static func isText(_ text: String) -> Bool {
    mosquitto_validate_utf8(text, CInt(text.utf8.count)) == MOSQ_ERR_SUCCESS.rawValue
  }
}

/// The agent's settings as a file says them.
private struct AgentText {
  private(set) var lines: [String] = []
  /// What is in the files that are named.
  private(set) var files: [String: Data] = [:]

  static func written(_ settings: AgentSettings) -> (String, files: [String: Data]) {
    var text = AgentText()
    text.lines.append("[broker]")
    text.add("topic_agent", settings.broker.agentTopic)
    text.add(settings.broker)
    for plug in settings.plugs { text.add(plug) }
    return (text.lines.joined(separator: "\n"), text.files)
  }

  private mutating func add(_ key: String, _ value: String?) {
    guard let value else { return }
    let escaped = value.unicodeScalars.map { scalar in
      scalar == "\"" || scalar == "\\" || scalar.value < 0x20 || scalar.value == 0x7f
        ? "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst() : String(scalar)
    }
    lines.append("\(key) = \"\(escaped.joined())\"")
  }

  private mutating func add(_ key: String, number value: (some CustomStringConvertible)?) {
    if let value { lines.append("\(key) = \(value)") }
  }

  private mutating func add(_ broker: BrokerSettings) {
    add("host", broker.host)
    add("port", number: broker.port)
    add("username", broker.username)
    add("password_file", broker.passwordFile)
    add("cafile", broker.caFile)
    add("tls", number: broker.usesTLS)
    add("client_id", broker.clientID)
    add("mqtt", broker.version.rawValue)
  }

  private mutating func add(_ plug: PlugSettings) {
    lines.append("[[plug]]")
    add("name", plug.name)
    add("interval_ms", number: plug.intervalMs)
    add("silence_ms", number: plug.silenceMs)
    add("average", plug.average.rawValue)
    add("unit", plug.unit.rawValue)
    add("format", plug.format.rawValue)
    add("expiry_s", number: plug.expiryS)
    add("home_assistant", number: plug.announcesToHomeAssistant)
    add("topic_live", plug.givenLiveTopic)
    add("topic_average", plug.givenAverageTopic)
    add("topic_status", plug.givenStatusTopic)
    if let source = plug.source { add(source) }
  }

  private mutating func add(_ source: SourceSettings) {
    switch source {
    case .wemo(let url, let udn):
      add("url", url)
      add("udn", udn)
    case .preset(let preset, let account):
      add("source", "http-json")
      add("preset", preset.rawValue)
      add(account)
      if [.shelly1, .shelly2].contains(preset) { add("channel", number: account.channel) }
    case .httpJSON(let account, let place, let usesDigest):
      add("source", "http-json")
      add("login", usesDigest ? "digest" : "basic")
      add(account)
      add(place)
    case .mqtt(let topic, let place, let broker):
      add("source", "mqtt")
      add("topic", topic)
      add(place)
      if let broker {
        lines.append("[plug.broker]")
        add(broker)
      }
    case .kasa(let address):
      add("source", "kasa")
      add("host", address)
    case .sim(let curve):
      add("source", "sim")
      add(curve)
    }
  }

  private mutating func add(_ account: SourceSettings.Account) {
    add("url", account.url)
    add("username", account.username)
    add("password_file", account.passwordFile)
    add("token_file", account.tokenFile)
    add("entity", account.entity)
  }

  private mutating func add(_ place: SourceSettings.Place) {
    add("pointer", place.pointer)
    add("scale", number: place.scale)
  }

  private mutating func add(_ curve: SimulatedPlug.Curve) {
    switch curve {
    case .sine(let low, let high, let periodS):
      add("low_w", number: low)
      add("high_w", number: high)
      add("period_s", number: periodS)
    case .steps(let watts, let eachS):
      add("curve", "steps")
      add("watts", number: watts)
      add("step_s", number: eachS)
    case .points(let points):
      let path = "curve-\(files.count).csv"
      add("curve", "csv")
      add("file", path)
      let lines = points.map { "\($0.atS),\($0.watts)\n" }
      files[path] = Data(lines.joined().utf8)
    }
  }
}

import Foundation
import MQTTClient
import SmartPlug

/// All that the agent can be told, by file or by flags.
struct AgentSettings: Equatable {
  var broker = BrokerSettings()
  var plug = PlugSettings()
}

/// Where to publish.
struct BrokerSettings: Equatable {
  var host = "localhost"
  /// Nil: 8883 with TLS, 1883 without.
  var port: Int?
  var username: String?
  /// A file whose first line is the password.
  var passwordFile: String?
  /// PEM certificates of the authorities to trust; with it comes TLS.
  var caFile: String?
  /// TLS with the system's authorities.
  var usesTLS = false
  /// Nil: a random one.
  var clientID: String?

  /// The environment variable for the password, where no file is named.
  static let passwordVariable = "SENSOR_AGENT_PASSWORD"
}

/// What to read, how often, and where it goes.
struct PlugSettings: Equatable {
  enum Average: String, CaseIterable {
    /// The time-weighted mean of the last minute.
    case window
    /// The exponential mean of the 2017 article.
    case ema
  }

  /// Nil: none given.
  var url: String?
  var intervalMs = 500
  /// Without a good reading for this long, the status is offline.
  var silenceMs = 5000
  var average = Average.window
  var liveTopic = "sensor/live"
  var averageTopic = "sensor/1m"
  var statusTopic = "sensor/status"

  static let intervals = 100...3_600_000
  static let silences = 1000...86_400_000
}

extension AgentSettings {
  /// Checks what one value alone does not show.
  /// - Throws: the first thing that is wrong.
  func check() throws(AgentError) {
    guard plug.url != nil else {
      throw AgentError(
        "No plug is given; name one by --plug http://192.168.1.20:49153, or by url in [[plug]].")
    }
    let topics = [plug.liveTopic, plug.averageTopic, plug.statusTopic]
    for topic in topics where !Self.isTopic(topic) {
      throw AgentError(
        "\"\(topic)\" is no topic to publish to; it needs 1 to 65535 bytes without + and #.")
    }
    guard Set(topics.map { Array($0.utf8) }).count == topics.count else {
      throw AgentError(
        "The topics \(topics.joined(separator: ", ")) must differ from each other.")
    }
    guard plug.silenceMs > plug.intervalMs else {
      throw AgentError(
        "silence_ms (\(plug.silenceMs)) must be more than interval_ms (\(plug.intervalMs)), "
          + "or the plug is offline between two readings.")
    }
  }

  /// MQTT 5.0, section 4.7.
  private static func isTopic(_ topic: String) -> Bool {
    (1...65_535).contains(topic.utf8.count)
      && !topic.utf8.contains { [0, UInt8(ascii: "+"), UInt8(ascii: "#")].contains($0) }
  }
}

extension BrokerSettings {
  /// The options for the connection, with the password from its file or the environment.
  /// - Throws: when the password's file cannot be read.
  func options(environment: [String: String]) throws(AgentError) -> MQTTOptions {
    let isEncrypted = usesTLS || caFile != nil
    var options = MQTTOptions(
      host: host, port: UInt16(clamping: port ?? (isEncrypted ? 8883 : 1883)),
      clientID: clientID ?? MQTTOptions.randomClientID(prefix: "sensor-agent"))
    options.username = username
    options.password = try password(environment: environment)
    options.tls = isEncrypted ? MQTTOptions.TLS(caFile: caFile) : nil
    return options
  }

  private func password(environment: [String: String]) throws(AgentError) -> String? {
    guard let passwordFile else { return environment[Self.passwordVariable] }
    guard let data = FileManager.default.contents(atPath: passwordFile),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw AgentError(
        "The password file \(passwordFile) cannot be read; is it there, readable for this user, "
          + "and UTF-8?")
    }
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    guard !line.isEmpty else {
      throw AgentError("The password file \(passwordFile) is empty; put the password in line 1.")
    }
    return line
  }
}

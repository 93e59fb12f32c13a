import MQTTClient

/// A broker, and how to connect to it.
struct BrokerSettings: Equatable {
  enum Version: String, CaseIterable {
    case v5 = "5"
    case v311 = "3.1.1"
  }

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
  var version = Version.v5
  /// Whether the agent itself is there; with a single plug, that plug's status says so.
  var agentTopic = "sensor/agent"

  /// The environment variable for the password, where no file is named.
  static let passwordVariable = "SENSOR_AGENT_PASSWORD"

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
    options.protocolVersion = version == .v5 ? .v5 : .v311
    return options
  }

  private func password(environment: [String: String]) throws(AgentError) -> String? {
    guard let passwordFile else { return environment[Self.passwordVariable] }
    return try SecretFile.firstLine(of: passwordFile, what: "password")
  }
}

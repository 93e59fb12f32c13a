import ArgumentParser

/// The flags that settings can be given by.
struct AgentFlags: ParsableArguments {
  @Option(help: "A TOML file with [broker] and [[plug]].")
  var config: String?
  @Option(help: ArgumentHelp("The URL of a WeMo Insight.", valueName: "url"))
  var plug: String?
  @Option(help: "The broker's name or address (localhost).")
  var host: String?
  @Option(help: "The broker's port (1883, or 8883 with TLS).")
  var port: UInt16?
  @Option(help: "User name at the broker.")
  var username: String?
  @Option(help: ArgumentHelp("File whose first line is the password.", valueName: "file"))
  var passwordFile: String?
  @Option(help: ArgumentHelp("PEM file of authorities to trust; turns on TLS.", valueName: "file"))
  var cafile: String?
  @Flag(help: "TLS with the system's authorities.")
  var tls = false
  @Option(help: ArgumentHelp("Client identifier (random).", valueName: "id"))
  var clientID: String?
  @Option(help: ArgumentHelp("Topic of the live power (sensor/live).", valueName: "topic"))
  var topicLive: String?
  @Option(help: ArgumentHelp("Topic of the 1-minute mean (sensor/1m).", valueName: "topic"))
  var topicAverage: String?
  @Option(help: ArgumentHelp("Topic of online/offline (sensor/status).", valueName: "topic"))
  var topicStatus: String?
  @Option(help: ArgumentHelp("Milliseconds between two readings (500).", valueName: "ms"))
  var intervalMs: Int?
  @Option(
    help: ArgumentHelp("Milliseconds without a reading until offline (5000).", valueName: "ms"))
  var silenceMs: Int?
  @Option(help: "The mean: mean (time-weighted) or ema (the 2017 article's).")
  var average: String?

  /// The settings of the file, under those of the flags.
  func settings() throws -> AgentSettings {
    var settings =
      try config.map { path in try SettingsFile.read(path) }
      ?? AgentSettings()
    settings.broker.host = host ?? settings.broker.host
    settings.broker.port = port.map(Int.init) ?? settings.broker.port
    settings.broker.username = username ?? settings.broker.username
    settings.broker.passwordFile = passwordFile ?? settings.broker.passwordFile
    settings.broker.caFile = cafile ?? settings.broker.caFile
    settings.broker.usesTLS = tls || settings.broker.usesTLS
    settings.broker.clientID = clientID ?? settings.broker.clientID
    guard setsPlug else { return settings }
    guard settings.plugs.count <= 1 else {
      throw AgentError("The file has several plugs, so no flag can say anything about the plug.")
    }
    var plug = settings.plugs.first ?? PlugSettings()
    try apply(to: &plug)
    settings.plugs = [plug]
    return settings
  }

  private var setsPlug: Bool {
    plug != nil || topicLive != nil || topicAverage != nil || topicStatus != nil
      || intervalMs != nil || silenceMs != nil || average != nil
  }

  private func apply(to settings: inout PlugSettings) throws(AgentError) {
    settings.source = plug.map { .wemo(url: $0, udn: nil) } ?? settings.source
    settings.givenLiveTopic = topicLive ?? settings.givenLiveTopic
    settings.givenAverageTopic = topicAverage ?? settings.givenAverageTopic
    settings.givenStatusTopic = topicStatus ?? settings.givenStatusTopic
    settings.intervalMs =
      try Self.number(intervalMs, "--interval-ms", PlugSettings.intervals) ?? settings.intervalMs
    settings.silenceMs =
      try Self.number(silenceMs, "--silence-ms", PlugSettings.silences) ?? settings.silenceMs
    guard let average else { return }
    guard let kind = PlugSettings.Average(rawValue: average) else {
      throw AgentError("--average is \"\(average)\", but must be mean or ema.")
    }
    settings.average = kind
  }

  private static func number(
    _ value: Int?, _ flag: String, _ range: ClosedRange<Int>
  ) throws(AgentError) -> Int? {
    guard let value else { return nil }
    guard range.contains(value) else {
      throw AgentError(
        "\(flag) is \(value), but must be from \(range.lowerBound) to \(range.upperBound).")
    }
    return value
  }
}

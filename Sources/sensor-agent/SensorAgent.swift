import ArgumentParser
import Foundation
import Glibc
import MQTTClient
import SmartPlug

/// `sensor-agent`: reads a smart plug and publishes its power over MQTT.
@main
struct SensorAgent: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensor-agent",
    abstract: "Reads a smart plug and publishes its power, in milliwatts, over MQTT.",
    discussion: """
      Settings come from a file, from flags, or both; flags win. The broker's password comes from \
      a file or from the environment variable \(BrokerSettings.passwordVariable), never from a flag.
      Ends with SIGTERM or SIGINT, after publishing "offline".
      """)

  @Option(help: "A TOML file with [broker] and [[plug]].")
  var config: String?
  @Option(help: ArgumentHelp("The plug's URL.", valueName: "url"))
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
  @Option(help: "The mean: window (time-weighted) or ema (the 2017 article's).")
  var average: String?

  func run() throws {
    // Blocked before any thread starts, so that all inherit it and only sigwait sees them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)

    let settings = try settings()
    try settings.check()
    let source = try WeMoInsight(url: settings.plug.url ?? "")
    var options = try settings.broker.options(environment: ProcessInfo.processInfo.environment)
    options.will = PlugFeed.farewell(settings.plug)
    let agent = Agent(settings: settings.plug, source: source, client: try MQTTClient(options))
    let waited = signals
    Thread.detachNewThread {
      var waited = waited
      var signal: Int32 = 0
      sigwait(&waited, &signal)
      agent.stop()
    }
    agent.run()
  }

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
    settings.plug.url = plug ?? settings.plug.url
    settings.plug.liveTopic = topicLive ?? settings.plug.liveTopic
    settings.plug.averageTopic = topicAverage ?? settings.plug.averageTopic
    settings.plug.statusTopic = topicStatus ?? settings.plug.statusTopic
    settings.plug.intervalMs =
      try Self.number(intervalMs, "--interval-ms", PlugSettings.intervals)
      ?? settings.plug.intervalMs
    settings.plug.silenceMs =
      try Self.number(silenceMs, "--silence-ms", PlugSettings.silences) ?? settings.plug.silenceMs
    guard let average else { return settings }
    guard let kind = PlugSettings.Average(rawValue: average) else {
      throw AgentError("--average is \"\(average)\", but must be window or ema.")
    }
    settings.plug.average = kind
    return settings
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

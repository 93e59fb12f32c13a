import ArgumentParser
import Foundation
import MQTTClient
import SmartPlug

/// `sensor-agent check`: says what is wrong with the settings, the broker and the plugs.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Says what is wrong with the settings, the broker and the plugs.",
    discussion: """
      Reads each plug once and connects to the broker; publishes nothing. Exits with 1 when \
      something is wrong.
      """)

  @OptionGroup var flags: AgentFlags

  func run() throws {
    let settings = try flags.settings()
    try settings.check()
    let environment = ProcessInfo.processInfo.environment
    print("ok    The settings can be used.")
    var isWell = report { try Self.broker(settings.broker, environment) }
    for plug in settings.plugs {
      isWell = report { try Self.plug(plug, settings.broker, environment) } && isWell
    }
    guard isWell else { throw ExitCode.failure }
  }

  private func report(_ check: () throws -> String) -> Bool {
    do {
      print("ok    \(try check())")
      return true
    } catch {
      print("FAIL  \(error)")
      return false
    }
  }

  private static func broker(
    _ settings: BrokerSettings, _ environment: [String: String]
  ) throws -> String {
    var options = try settings.options(environment: environment)
    // A broker has one connection of a name, and that may be the running agent's.
    options.clientID = MQTTOptions.randomClientID(prefix: "sensor-agent-check")
    let client = try MQTTClient(options)
    try client.connect()
    defer { client.disconnect() }
    return "The broker \(client.broker) accepts \(settings.username ?? "an anonymous client")."
  }

  private static func plug(
    _ plug: PlugSettings, _ broker: BrokerSettings, _ environment: [String: String]
  ) throws -> String {
    guard let source = try plug.source?.source(broker: broker, environment: environment) else {
      throw AgentError("No plug is given.")
    }
    defer { source.cancel() }
    let label = plug.name.map { "\($0) (\(source.name))" } ?? source.name
    let sample = try sample(of: source, withinMs: Int64(plug.silenceMs))
    let state = sample.state.map { ", \($0.rawValue)" } ?? ""
    let identity = source.identity.map { "; it is \($0)" } ?? ""
    return "\(label): \(sample.milliwatts) mW\(state)\(identity)."
  }

  /// The first reading; where the source brings them by itself, it is waited for.
  private static func sample(
    of source: any PowerSource, withinMs limitMs: Int64
  ) throws(PlugError) -> PowerSample {
    let endMs = MonotonicClock.nowMs() + limitMs
    while source.isPushed, MonotonicClock.nowMs() < endMs {
      if let sample = try? source.read() { return sample }
    }
    return try source.read()
  }
}

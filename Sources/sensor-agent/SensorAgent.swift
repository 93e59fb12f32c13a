import ArgumentParser
import PaywallCore

/// `sensor-agent`: reads smart plugs and publishes their power over MQTT.
@main
struct SensorAgent: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensor-agent",
    abstract: "Reads smart plugs and publishes their power over MQTT.",
    discussion: """
      Without a subcommand it runs: sensor-agent --config FILE is sensor-agent run --config FILE.
      """,
    version: Version.current,
    subcommands: [RunCommand.self, CheckCommand.self, DiscoverCommand.self],
    defaultSubcommand: RunCommand.self)
}

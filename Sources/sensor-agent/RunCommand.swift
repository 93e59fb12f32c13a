import ArgumentParser
import Foundation
import Glibc
import MQTTClient
import SmartPlug

/// `sensor-agent run`: reads and publishes until it is told to end.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Reads the plugs and publishes their power until it is told to end.",
    discussion: """
      Settings come from a file, from flags, or both; flags win. The broker's password comes from \
      a file or from the environment variable \(BrokerSettings.passwordVariable), never from a flag.
      Ends with SIGTERM or SIGINT, after publishing "offline".
      """)

  @OptionGroup var flags: AgentFlags
  @Flag(help: "Print what would be published; no broker is asked.")
  var dryRun = false

  func run() throws {
    // Blocked before any thread starts, so that all inherit it and only sigwait sees them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)

    let settings = try flags.settings()
    try settings.check()
    let agent = try agent(settings, environment: ProcessInfo.processInfo.environment)
    let waited = signals
    Thread.detachNewThread {
      var waited = waited
      var signal: Int32 = 0
      sigwait(&waited, &signal)
      agent.stop()
    }
    agent.run()
  }

  private func agent(_ settings: AgentSettings, environment: [String: String]) throws -> Agent {
    let sources = try settings.plugs.compactMap { plug in
      try plug.source?.source(broker: settings.broker, environment: environment)
    }
    var client: MQTTClient?
    if !dryRun {
      var options = try settings.broker.options(environment: environment)
      options.will = Agent.will(settings)
      client = try MQTTClient(options)
    }
    return Agent(
      settings: settings, sources: sources, client: client,
      notifier: SystemdNotifier(environment: environment))
  }
}

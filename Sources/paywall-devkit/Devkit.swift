import ArgumentParser
import PaywallCore

/// A tangle and a plug for development, demos and tests.
@main
struct Devkit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paywall-devkit",
    abstract: "A tangle and a smart plug for development, demos and tests.",
    version: Version.current,
    subcommands: [TangleCommand.self, PayCommand.self, PlugCommand.self])
}

public import ArgumentParser
import Configuration
import Foundation
import Ledger
public import PaywallCore

/// Which ledger is read or written to.
struct LedgerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The broker's configuration, which names the ledger.", valueName: "file"))
  var config = "/etc/mosquitto/paywall.toml"

  @Option(
    help: ArgumentHelp("The ledger itself; then no configuration is read.", valueName: "file"))
  var ledger: String?

  /// The ledger, to add to it.
  func open() throws -> AdminLedger {
    try AdminLedger(path: try path)
  }

  /// The ledger, to look into it.
  func read(_ versions: LedgerReader.Versions = .current) throws -> LedgerReader {
    try LedgerReader(path: try path, versions: versions)
  }

  private var path: String {
    get throws { try ledger ?? configuration().ledger }
  }

  /// What the broker's configuration says.
  func configuration() throws -> PaywallConfiguration {
    let path = URL(fileURLWithPath: config).path
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw UnreadableConfiguration(
        description: "\(path) cannot be read; name the configuration with --config, or the ledger "
          + "with --ledger, as a user who may open it")
    }
    guard let text = String(validating: contents, as: UTF8.self) else {
      throw UnreadableConfiguration(description: "\(path) is no TOML file: it is not UTF-8")
    }
    return try PaywallConfiguration.parse(text, path: path)
  }
}

/// Why a configuration cannot be read: one sentence.
private struct UnreadableConfiguration: Error, CustomStringConvertible {
  let description: String
}

/// Whose access is changed, to what.
struct HolderArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The account: a name of the broker's, buyer:NAME, or a wallet's 0x….", valueName: "user"))
  var account: Account

  @Argument(help: "The name of the offer.")
  var offer: Name
}

/// A span of time as an argument: `90s`, `2h`, `30d`.
struct PeriodArgument: ExpressibleByArgument {
  let milliseconds: Int64

  init?(argument: String) {
    guard let milliseconds = Period.parseMs(argument) else { return nil }
    self.milliseconds = milliseconds
  }
}

extension Account: ExpressibleByArgument {
  /// Reads a name inside the broker.
  public init?(argument: String) {
    self.init(username: argument)
  }
}

extension Name: ExpressibleByArgument {
  /// Reads a name of 1 to 64 bytes.
  public init?(argument: String) {
    self.init(argument)
  }
}

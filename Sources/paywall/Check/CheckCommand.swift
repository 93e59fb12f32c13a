import ArgumentParser
import Foundation

/// `paywall check`: all that can be wrong with a paywall, and how to mend it.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say what is wrong with a paywall, and how to mend it.",
    discussion: """
      Looks at the configuration, the secret, the ledger, every node, how far payments were read, \
      what is sold, and the broker's own configuration. It changes nothing, and may run before the \
      broker does or beside it; as root or as the broker's user, it sees everything.

      Each line begins with ✓ (well), ! (works, but look at it) or ✗ (wrong). Piped, or with --json, \
      the answer is one JSON array of objects with check, level (ok, warning, error), about, text \
      and mend.

      Exit codes: 0 nothing is wrong, there may be warnings; 1 something is wrong; 64 wrong usage.
      """)

  static let defaultBrokerPath = "/etc/mosquitto/mosquitto.conf"

  @Option(help: ArgumentHelp("The plugin's configuration.", valueName: "file"))
  var config = "/etc/mosquitto/paywall.toml"

  @Option(
    help: ArgumentHelp(
      "The broker's configuration, with what its include_dir includes.",
      discussion: "Default: \(defaultBrokerPath), where it can be read.", valueName: "file"))
  var brokerConfig: String?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let isForPeople = output.isForPeople
    let hasPictures = Terminal.canShowPictures
    var findings = Findings { finding in
      guard isForPeople else { return }
      Terminal.progress("")
      print(finding.line(hasPictures: hasPictures))
    }
    PaywallCheck(configurationPath: config, brokerPath: brokerPath).run(&findings)
    let all = findings.all
    try output.write(all, lines: [Self.summary(of: all)])
    if findings.areBad { throw ExitCode.failure }
  }

  /// The broker's configuration that is looked at; nil: none.
  private var brokerPath: String? {
    if let brokerConfig { return brokerConfig }
    return access(Self.defaultBrokerPath, R_OK) == 0 ? Self.defaultBrokerPath : nil
  }

  private static func summary(of findings: [Finding]) -> String {
    let wrong = findings.count { $0.level == .error }
    let warnings = findings.count { $0.level == .warning }
    let warned = warnings == 1 ? "1 warning" : "\(warnings) warnings"
    guard wrong == 0 else {
      return "\(wrong == 1 ? "1 thing is" : "\(wrong) things are") wrong, \(warned)."
    }
    return "Nothing is wrong, \(warned)."
  }
}

import ArgumentParser
import Configuration
import Foundation
import Ledger
import Setup
import Tangle

/// `paywall verify`: reads the tangle anew, and compares it with the ledger.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read the tangle anew, and compare it with the ledger.",
    discussion: """
      Reads every payment to the address from the configuration's nodes, and compares it with the \
      ledger: payments that are missing, that are not on the tangle (invented, or pruned by the \
      nodes), or that differ. What payments have bought, and credits, are counted anew from what was \
      read, with the offers as the ledger keeps them, and compared too. The ledger is only read, and \
      the broker may run; grants and revocations by hand are left aside.

      With --from, payments from before are taken as the ledger has them. Payments of the last \
      minutes may be on their way into the ledger: they are counted as newer.

      Exit codes: 0 no difference; 1 differences; 2 the tangle could not be read (or the \
      configuration, the secret or the ledger), so nothing is known; 64 wrong usage.
      """)

  static let unreadable = ExitCode(2)

  @Option(help: ArgumentHelp("The plugin's configuration.", valueName: "file"))
  var config = "/etc/mosquitto/paywall.toml"

  @Option(
    help: ArgumentHelp(
      "From when, as 2026-12-01T00:00:00Z; default: since, or the ledger's birth.",
      valueName: "time"))
  var from: String?

  @Option(
    help: ArgumentHelp("Until when, as 2026-12-31T00:00:00Z; default: now.", valueName: "time"))
  var to: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    for (name, text) in [("--from", from), ("--to", to)] {
      guard let text, Moment.parseMs(text) == nil else { continue }
      throw ValidationError("\(name) \(text) is no time; write it as 2026-12-01T00:00:00Z.")
    }
    if let fromMs = from.flatMap(Moment.parseMs), let toMs = to.flatMap(Moment.parseMs),
      fromMs > toMs
    {
      throw ValidationError("--from is after --to.")
    }
  }

  func run() throws {
    Interrupt.catchSignals()
    let isForPeople = output.isForPeople
    let result: Verification.Result
    do {
      let path = URL(fileURLWithPath: config).path
      let verification = Verification(
        configuration: try ConfigurationFile.load(path: path, namedBy: "--config"),
        fromMs: from.flatMap(Moment.parseMs), toMs: to.flatMap(Moment.parseMs))
      result = try verification.run { difference in
        if isForPeople { print(difference.text) }
      }
    } catch {
      Terminal.progress("")
      Terminal.note("Error: \(error)")
      throw Self.unreadable
    }
    let answer = Verified(result)
    try output.write(answer, lines: answer.lines)
    if result.differenceCount > 0 { throw ExitCode.failure }
    if !result.isWhole { throw Self.unreadable }
  }
}

/// What `verify` answers.
struct Verified: Encodable {
  let from: String
  let to: String
  let payments: Int
  let newer: Int
  let bought: Int
  let credits: Int
  let taken: Int
  let differenceCount: Int
  let differences: [Difference]
  let isWhole: Bool
  let warnings: [String]

  private enum CodingKeys: String, CodingKey {
    case from, to, payments, newer, bought, credits, taken, differenceCount, differences
    case isWhole = "whole"
    case warnings
  }

  init(_ result: Verification.Result) {
    from = Moment.describe(ms: result.range.fromMs)
    to = Moment.describe(ms: result.range.toMs)
    payments = result.counts.payments
    newer = result.counts.newer
    bought = result.counts.bought
    credits = result.counts.credits
    taken = result.seedCount
    differenceCount = result.differenceCount
    differences = result.differences
    isWhole = result.isWhole
    warnings = result.warnings
  }

  /// What follows the differences, for people.
  var lines: [String] {
    var lines = warnings.map { "Note: \($0)" }
    if differenceCount > differences.count {
      lines.append("… and \(differenceCount - differences.count) more.")
    }
    if taken > 0 {
      lines.append(
        "\(Self.count(taken, "payment")) from before \(from) taken as the ledger has them.")
    }
    if newer > 0 {
      lines.append("\(Self.count(newer, "payment")) too new to be in the ledger.")
    }
    if !isWhole {
      lines.append("The nodes did not tell all that there is, so more may differ.")
    }
    lines.append(
      "From \(from) to \(to), with \(Self.count(bought, "purchase")) and "
        + "\(Self.count(credits, "credit")):")
    lines.append(
      "\(Self.count(payments, "payment")) compared, \(Self.count(differenceCount, "difference"))")
    return lines
  }

  private static func count(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }
}

import ArgumentParser
import Ledger
import PaywallCore

/// `paywall assign`: gives the time of an unclaimed payment to an account.
struct AssignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "assign",
    abstract: "Give the time of an unclaimed payment to an account.",
    discussion: """
      A payment is unclaimed where nobody can tell for whom or for what it was (paywall payments \
      --state unclaimed). The account then reads for as long as the amount bought on the terms of the \
      time of the payment, beginning now, beside whatever else it holds. It is a row of the kind \
      'granted' in the ledger; deleting it takes the assignment back. A running broker knows within \
      a second. Refused (exit code 1) where the payment is not unclaimed, was assigned before, or \
      buys less than a millisecond.
      """)

  @Argument(
    help: ArgumentHelp(
      "The payment, as paywall payments shows it; 8 characters may be enough.", valueName: "digest"),
    transform: AssignCommand.digest)
  var payment: String

  @Argument(
    help: ArgumentHelp(
      "The account: a name of the broker's, buyer:NAME, or a wallet's 0x….", valueName: "user"))
  var account: Account

  @Argument(
    help: "The offer; without it, the one that the memo names, or else the first of the time.")
  var offer: Name?

  @Option(help: "Why, for the ledger.")
  var note: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let answer = try answer(nowMs: Moment.nowMs)
    try output.write(answer, lines: answer.lines)
  }

  /// What has changed.
  struct Answer: Encodable {
    let payment: String
    let account: String
    let offer: String
    let amountNanos: Nanos
    let row: Int64
    let from: String
    let until: String
    /// Whether no payment has ever counted for the account, as where its name is misspelt.
    let isAccountNew: Bool
    /// Until when the account could read anyway; that time is not given twice.
    let heldUntil: String?

    var lines: [String] {
      var lines = [
        "Assigned \(Amount.describe(amountNanos)) of \(payment) to \(account): '\(offer)' until \(until) "
          + "(grants row \(row)); the broker knows within a second."
      ]
      if isAccountNew {
        lines.append("No payment has ever counted for \(account); look whether it is spelt right.")
      }
      if let heldUntil {
        lines.append(
          "\(account) holds '\(offer)' until \(heldUntil) anyway; both times run side by side.")
      }
      return lines
    }
  }

  func answer(nowMs: Int64) throws -> Answer {
    let assigned = try ledger.open().assign(
      payment, to: account, offer: offer, note: note, nowMs: nowMs)
    return Answer(
      payment: assigned.payment, account: account.description,
      offer: assigned.offer.description, amountNanos: assigned.amountNanos,
      row: assigned.written.row, from: Moment.describe(ms: assigned.written.span.startsAtMs),
      until: Moment.describe(ms: assigned.written.span.endsAtMs),
      isAccountNew: assigned.isAccountNew,
      heldUntil: assigned.overlap.last.map { Moment.describe(ms: $0.endsAtMs) })
  }

  /// A digest, or enough of its beginning, as a narrow table shows it.
  @Sendable private static func digest(_ text: String) throws -> String {
    let name = text.hasSuffix("…") ? String(text.dropLast()) : text
    guard (8...44).contains(name.utf8.count), Base58.decode(name) != nil else {
      throw ValidationError(
        "'\(text)' is no payment: write its digest as paywall payments shows it, or at least the "
          + "first 8 characters.")
    }
    return name
  }
}

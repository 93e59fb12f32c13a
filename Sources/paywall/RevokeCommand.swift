import ArgumentParser
import Ledger
import PaywallCore

/// `paywall revoke`: takes access away, whatever has given it.
struct RevokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Take an account's access to an offer away.",
    discussion: """
      Without --for, all access that the account has now is taken; what it buys later counts again. \
      Bought time is not moved, so what was paid for is lost to the buyer. A running broker knows \
      within a second. "Now" is by this machine's clock. Exit codes: see paywall --help.
      """)

  @OptionGroup var holder: HolderArguments

  @Option(help: ArgumentHelp("From when: now, or as 2026-12-01T00:00:00Z.", valueName: "time"))
  var from = "now"

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("For how long: 90s, 30m, 2h, 7d, 4w.", valueName: "span"))
  var span: PeriodArgument?

  @Option(help: "Why, for the ledger.")
  var note: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard from == "now" || Moment.parseMs(from) != nil else {
      throw ValidationError("--from \(from) is no time; write now, or as 2026-12-01T00:00:00Z.")
    }
  }

  func run() throws {
    let nowMs = Moment.nowMs
    let givenMs = Moment.parseMs(from)
    let leadMs = givenMs == nil ? AccessChange.leadMs : 0
    let written = try ledger.open().revoke(
      from: holder.account, offer: holder.offer, fromMs: (givenMs ?? nowMs) - leadMs,
      lengthMs: span.map { $0.milliseconds.addingReportingOverflow(leadMs) }
        .map { $0.overflow ? .max : $0.partialValue },
      note: note, nowMs: nowMs)
    let answer = AccessChange(holder, written)
    try output.write(answer, lines: answer.lines("Revoked"))
  }
}

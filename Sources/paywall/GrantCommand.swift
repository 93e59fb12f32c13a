import ArgumentParser
import Ledger
import PaywallCore

/// `paywall grant`: gives an account time that it need not pay for.
struct GrantCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant",
    abstract: "Let an account read what an offer sells, without payment.",
    discussion: """
      The time runs from now, beside what was bought; it neither moves nor extends that. A running \
      broker knows within a second. The ledger's clock is the tangle's; "now" is by this machine's \
      clock, so keep it right. Exit codes: see paywall --help.
      """)

  @OptionGroup var holder: HolderArguments

  @Argument(help: "For how long: 90s, 30m, 2h, 7d, 4w.")
  var span: PeriodArgument

  @Option(help: "Why, for the ledger.")
  var note: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let nowMs = Moment.nowMs
    let (endMs, isEndless) = nowMs.addingReportingOverflow(span.milliseconds)
    let written = try ledger.open().grant(
      to: holder.account, offer: holder.offer,
      span: Span(
        startsAtMs: nowMs - AccessChange.leadMs, endsAtMs: isEndless ? .max : endMs),
      note: note, nowMs: nowMs)
    let answer = AccessChange(holder, written)
    try output.write(answer, lines: answer.lines("Granted"))
  }
}

import ArgumentParser
import Ledger
import PaywallCore

/// `paywall access`: who reads what, and until when.
struct AccessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access",
    abstract: "Show who reads what, until when.",
    discussion: """
      What accounts hold of what is sold, whether bought, granted or made good, less what was \
      revoked; it is what the view access_now shows. Free topics and configured accounts, which need \
      nothing of it, are in paywall.toml. Times are the tangle's, "now" is by this machine's clock. \
      Piped, an array of JSON objects (account, offer, state, from, until, left_ms). The ledger is \
      only read, and may be in use.
      """)

  @Option(help: ArgumentHelp("Only of this account: NAME, buyer:NAME or 0x….", valueName: "user"))
  var account: Account?

  @Option(help: ArgumentHelp("Only of this offer.", valueName: "name"))
  var offer: Name?

  @Flag(help: "Show what is over and what is still to come, too.")
  var all = false

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let nowMs = Moment.nowMs
    let rows = try rows(nowMs: nowMs)
    try output.write(rows, lines: lines(rows, width: Terminal.columnCount))
  }

  /// When an account may read what an offer sells.
  struct Row: Encodable {
    enum State: String, Encodable {
      case ended, now, later
    }

    let account: String
    let offer: String
    let state: State
    let from: String
    let until: String
    let leftMs: Int64
  }

  func rows(nowMs: Int64) throws -> [Row] {
    let (holdings, flaws) = try ledger.read().holdings(
      of: account?.username, offer: offer, endingAfterMs: all ? .min : nowMs)
    for flaw in flaws { Terminal.note("Note: \(flaw)") }
    return holdings.compactMap { holding in
      let span = holding.span
      let state: Row.State =
        span.endsAtMs <= nowMs ? .ended : span.startsAtMs > nowMs ? .later : .now
      guard all || state == .now else { return nil }
      let (leftMs, isEndless) = span.endsAtMs.subtractingReportingOverflow(
        max(nowMs, span.startsAtMs))
      return Row(
        account: String(decoding: holding.account, as: UTF8.self),
        offer: String(decoding: holding.offer, as: UTF8.self), state: state,
        from: Moment.describe(ms: span.startsAtMs), until: Moment.describe(ms: span.endsAtMs),
        leftMs: isEndless ? .max : max(0, leftMs))
    }
  }

  func lines(_ rows: [Row], width: Int) -> [String] {
    guard !rows.isEmpty else {
      return [all ? "Nobody has ever had access." : "Nobody has access now (--all: what is over)."]
    }
    var table = TextTable(
      [.init("ACCOUNT", leastWidth: 12), .init("OFFER", leastWidth: 6)]
        + (all ? [.init("STATE"), .init("FROM")] : [])
        + [.init("UNTIL"), .init("LEFT", isNumber: true)])
    for row in rows {
      table.add(
        [ShownText.line(row.account), ShownText.line(row.offer)]
          + (all ? [row.state.rawValue, row.from] : [])
          + [row.until, row.leftMs > 0 ? ShownText.length(ms: row.leftMs) : "-"])
    }
    return table.lines(width: width)
  }
}

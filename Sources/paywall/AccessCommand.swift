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
    guard output.isForPeople else {
      // One after the other: --all may be long.
      var array = JSONArrayOutput()
      try forEach(nowMs: nowMs) { try array.add($0) }
      return array.end()
    }
    lines(try rows(nowMs: nowMs), width: Terminal.columnCount).forEach { print($0) }
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

    init(_ holding: Holding, nowMs: Int64) {
      let span = holding.span
      state = span.endsAtMs <= nowMs ? .ended : span.startsAtMs > nowMs ? .later : .now
      let (left, isEndless) = span.endsAtMs.subtractingReportingOverflow(
        max(nowMs, span.startsAtMs))
      account = String(decoding: holding.account, as: UTF8.self)
      offer = String(decoding: holding.offer, as: UTF8.self)
      from = Moment.describe(ms: span.startsAtMs)
      until = Moment.describe(ms: span.endsAtMs)
      leftMs = isEndless ? .max : max(0, left)
    }
  }

  func rows(nowMs: Int64) throws -> [Row] {
    var rows: [Row] = []
    try forEach(nowMs: nowMs) { rows.append($0) }
    return rows
  }

  private func forEach(nowMs: Int64, _ body: (Row) throws -> Void) throws {
    var failure: (any Error)?
    let flaws = try ledger.read().forEachHolding(
      of: account?.username, offer: offer, endingAfterMs: all ? .min : nowMs
    ) { holding in
      let row = Row(holding, nowMs: nowMs)
      guard all || row.state == .now else { return }
      do { try body(row) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    for flaw in flaws { Terminal.note("Note: \(flaw).") }
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
          + (all ? [row.state.rawValue, Moment.toSecond(row.from)] : [])
          + [Moment.toSecond(row.until), row.leftMs > 0 ? ShownText.length(ms: row.leftMs) : "-"])
    }
    return table.lines(width: width)
  }
}

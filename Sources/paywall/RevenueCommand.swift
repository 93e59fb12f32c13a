import ArgumentParser
import Foundation
import Ledger
import PaywallCore

/// `paywall revenue`: what came in.
struct RevenueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revenue",
    abstract: "Show what came in, by day, week, month or offer; draw it.",
    discussion: """
      Confirmed and unclaimed payments count, by the time of their checkpoint in UTC; weeks are those \
      of ISO 8601. Sums are exact. --plot draws bars for the terminal, --svg a chart for everything \
      that shows SVG; both begin at 0 and show days without payments. Piped, an array of JSON objects \
      (day, week, month or offer; payments, nanos, iota as an exact decimal in a string; what is \
      unclaimed has no offer). The ledger is only read, and may be in use.
      """)

  /// What is summed up.
  enum Grouping: String, ExpressibleByArgument, CaseIterable {
    case day, week, month, offer
  }

  @Option(help: "What is summed up.")
  var by = Grouping.day

  @OptionGroup var range: TimeRange

  @Flag(help: "Draw bars instead of a table.")
  var plot = false

  @Option(
    help: ArgumentHelp("Draw a chart into a file, in place of what it was.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var svg: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !(plot && output.json) else { throw ValidationError("--plot draws, and is no JSON.") }
  }

  func run() throws {
    let revenue = try revenue()
    if let svg {
      let chart = RevenueSVG(try RevenueBars(revenue, by: by), title: title)
      let file = try NewFile(path: URL(fileURLWithPath: svg).path, mode: 0o644)
      try file.write(Array(chart.document.utf8)[...])
      try file.finish()
      Terminal.note("The chart is in \(svg).")
    }
    if plot {
      let chart = RevenuePlot(try RevenueBars(revenue, by: by))
      chart.lines(width: Terminal.columnCount).forEach { print($0) }
    } else {
      try output.write(
        revenue.map { Report($0, by: by) }, lines: lines(revenue, width: Terminal.columnCount))
    }
  }

  private var title: String { "Revenue by \(by.rawValue), in IOTA" }

  /// The sums, in the order of time, or the best-selling offer first.
  func revenue() throws -> [Revenue<RevenueKey>] {
    let reader = try ledger.read()
    if by == .offer {
      return try reader.revenueByOffer(fromMs: range.from, toMs: range.to).map {
        Revenue(key: .offer($0.key), count: $0.count, nanos: $0.nanos)
      }
    }
    var sums: [Revenue<RevenueKey>] = []
    for day in try reader.revenueByDay(fromMs: range.from, toMs: range.to) {
      let key = RevenueKey(day: day.key, by: by)
      if sums.last?.key == key {
        sums[sums.count - 1].count += day.count
        sums[sums.count - 1].nanos += day.nanos
      } else {
        sums.append(Revenue(key: key, count: day.count, nanos: day.nanos))
      }
    }
    return sums
  }

  func lines(_ revenue: [Revenue<RevenueKey>], width: Int) -> [String] {
    guard !revenue.isEmpty else { return ["Nothing came in."] }
    var table = TextTable([
      .init(by.rawValue.uppercased(), leastWidth: 8), .init("PAYMENTS", isNumber: true),
      .init("IOTA", isNumber: true),
    ])
    let total = revenue.reduce(UInt128(0)) { $0 + $1.nanos }
    let sums = ShownText.iota(revenue.map(\.nanos) + [total])
    for (entry, sum) in zip(revenue, sums) {
      table.add([entry.key.label, "\(entry.count)", sum])
    }
    table.add(["total", "\(revenue.reduce(0) { $0 + $1.count })", sums.last ?? ""])
    return table.lines(width: width)
  }

  /// A sum for programs.
  struct Report: Encodable {
    var day: String?
    var week: String?
    var month: String?
    var offer: String?
    let payments: Int64
    /// An integer; it may exceed 64 bits, which `Decimal` writes exactly.
    let nanos: Decimal
    let iota: String

    init(_ revenue: Revenue<RevenueKey>, by grouping: Grouping) {
      payments = revenue.count
      nanos = Decimal(string: "\(revenue.nanos)") ?? 0
      iota = Amount.iota(revenue.nanos)
      switch grouping {
      case .day: day = revenue.key.label
      case .week: week = revenue.key.label
      case .month: month = revenue.key.label
      case .offer: offer = revenue.key.offerName
      }
    }
  }
}

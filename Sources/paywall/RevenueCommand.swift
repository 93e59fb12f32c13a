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

/// What a sum is of.
enum RevenueKey: Hashable, Sendable {
  /// Days are numbered since 1970-01-01, weeks by their Monday, months since year 0.
  case day(Int64), week(Int64), month(Int64)
  /// Nil: what is unclaimed.
  case offer(String?)

  /// What a day belongs to.
  init(day: Int64, by grouping: RevenueCommand.Grouping) {
    switch grouping {
    case .day: self = .day(day)
    // 1970-01-01 was a Thursday.
    case .week: self = .week(day - (day + 3) % 7)
    case .month:
      let date = CalendarDay(number: day)
      self = .month(date.year * 12 + date.month - 1)
    case .offer: self = .offer(nil)
    }
  }

  /// The day, week or month after it; nil where there is no such order.
  var next: RevenueKey? {
    switch self {
    case .day(let day): .day(day + 1)
    case .week(let monday): .week(monday + 7)
    case .month(let month): .month(month + 1)
    case .offer: nil
    }
  }

  /// `2026-11-26`, `2026-W48`, `2026-11`, or the offer's name.
  var label: String {
    switch self {
    case .day(let day): return CalendarDay(number: day).description
    case .week(let monday):
      // A week belongs to the year of its Thursday.
      let thursday = monday + 3
      let year = CalendarDay(number: thursday).year
      var first = thursday
      while first >= 7, CalendarDay(number: first - 7).year == year { first -= 7 }
      return "\(CalendarDay.padded(year, 4))-W\(CalendarDay.padded((thursday - first) / 7 + 1, 2))"
    case .month(let month):
      return "\(CalendarDay.padded(month / 12, 4))-\(CalendarDay.padded(month % 12 + 1, 2))"
    case .offer(let name): return name.map { ShownText.line($0) } ?? "(unclaimed)"
    }
  }

  /// The offer's name as it is.
  var offerName: String? {
    if case .offer(let name) = self { name } else { nil }
  }
}

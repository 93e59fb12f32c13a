import ArgumentParser
import Foundation
import FoundationXML
import Ledger
import PaywallCore
import Testing

@testable import paywall

/// What `paywall revenue` answers and draws.
struct RevenueCommandTests {
  private let seller: SellerLedger
  private static let dayMs: Int64 = 86_400_000
  /// 2026-11-23, a Monday.
  private static let mondayMs: Int64 = 1_795_392_000_000

  init() throws {
    seller = try SellerLedger()
  }

  /// 1.5 IOTA on Monday, 0.25 on Wednesday, 2 on the Monday after, 3 in December.
  private func payAll() throws {
    let (day, monday) = (Self.dayMs, Self.mondayMs)
    try seller.pay(1, 1_000_000_000, atMs: monday)
    try seller.pay(2, 500_000_000, atMs: monday + day - 1, offer: "history")
    try seller.pay(3, 250_000_000, atMs: monday + 2 * day, "unclaimed")
    try seller.pay(4, 2_000_000_000, atMs: monday + 7 * day)
    try seller.pay(5, 3_000_000_000, atMs: monday + 8 * day)
    try seller.pay(6, 9_000_000_000, atMs: nil, "pending")
  }

  private func json(_ arguments: String...) throws -> String {
    let command = try #require(
      try Paywall.parseAsRoot(["revenue"] + arguments + seller.options) as? RevenueCommand)
    let rows = try command.revenue().map { RevenueCommand.Report($0, by: command.by) }
    return String(decoding: try OutputOptions.encoder.encode(rows), as: UTF8.self)
  }

  @Test func `sums are exact, by day, week, month and offer, of a time`() throws {
    try payAll()
    #expect(
      try json() == """
        [{"day":"2026-11-23","iota":"1.5","nanos":1500000000,"payments":2},\
        {"day":"2026-11-25","iota":"0.25","nanos":250000000,"payments":1},\
        {"day":"2026-11-30","iota":"2","nanos":2000000000,"payments":1},\
        {"day":"2026-12-01","iota":"3","nanos":3000000000,"payments":1}]
        """)
    #expect(
      try json("--by", "week") == """
        [{"iota":"1.75","nanos":1750000000,"payments":3,"week":"2026-W48"},\
        {"iota":"5","nanos":5000000000,"payments":2,"week":"2026-W49"}]
        """)
    #expect(
      try json("--by", "month", "--from", "2026-11-25") == """
        [{"iota":"2.25","month":"2026-11","nanos":2250000000,"payments":2},\
        {"iota":"3","month":"2026-12","nanos":3000000000,"payments":1}]
        """)
    #expect(
      try json("--by", "offer", "--to", "2026-12-01") == """
        [{"iota":"3","nanos":3000000000,"offer":"live","payments":2},\
        {"iota":"0.5","nanos":500000000,"offer":"history","payments":1},\
        {"iota":"0.25","nanos":250000000,"payments":1}]
        """)
  }

  @Test func `sums beyond 64 bits trap nothing, and stay exact`() throws {
    for number in UInt8(1)...9 { try seller.pay(number, .max, atMs: Self.mondayMs) }
    #expect(
      try json() == """
        [{"day":"2026-11-23","iota":"83010348331.692982263","nanos":83010348331692982263,\
        "payments":9}]
        """)
    let command = try seller.command(RevenueCommand.self)
    #expect(
      try command.lines(command.revenue(), width: 80).last
        == "total              9  83010348331.692982263")
    let bars = try RevenueBars(command.revenue(), by: .day)
    #expect(bars.endNanos == UInt128(100_000_000_000) * 1_000_000_000)
    #expect(RevenuePlot(bars).lines(width: 80).count == 3)
    #expect(RevenueSVG(bars, title: "x").document.contains(">100000000000</text>"))
  }

  @Test func `the table has a total`() throws {
    try payAll()
    let command = try seller.command(RevenueCommand.self, "--by", "offer")
    #expect(
      command.lines(try command.revenue(), width: 80) == [
        "OFFER        PAYMENTS  IOTA", "live                3  6.00", "history             1  0.50",
        "(unclaimed)         1  0.25", "total               5  6.75",
      ])
    let none = try seller.command(RevenueCommand.self, "--to", "2000-01-01")
    #expect(none.lines(try none.revenue(), width: 80) == ["Nothing came in."])
  }

  @Test func `bars begin at 0, are as long as their sums, and show days without payments`() throws {
    try payAll()
    let command = try seller.command(RevenueCommand.self, "--plot")
    let lines = RevenuePlot(try RevenueBars(command.revenue(), by: .day)).lines(width: 57)
    #expect(
      lines == [
        "2026-11-23 │████████████████████                     1.50",
        "2026-11-24 │                                         0.00",
        "2026-11-25 │███▎                                     0.25",
        "2026-11-26 │                                         0.00",
        "2026-11-27 │                                         0.00",
        "2026-11-28 │                                         0.00",
        "2026-11-29 │                                         0.00",
        "2026-11-30 │██████████████████████████▋              2.00",
        "2026-12-01 │████████████████████████████████████████ 3.00",
        "           └────────────┴────────────┴─────────────┤",
        "           0            1            2        3 IOTA",
      ])
  }

  @Test func `the axis has round marks, of which five at most reach the largest sum`() {
    for most: UInt128 in [0, 1, 3, 9, 10, 11, 499_999, 500_000, 500_001, 1 << 80] {
      let bars = RevenueBars([.init(label: "a", nanos: most)])
      #expect((1...5).contains(bars.stepCount))
      #expect(bars.endNanos >= max(1, most))
      #expect(bars.stepNanos * UInt128(bars.stepCount - 1) < max(1, most))
      let digits = "\(bars.stepNanos)"
      #expect(["1", "2", "5"].contains(digits.prefix(1)))
      #expect(digits.dropFirst().allSatisfy { $0 == "0" })
    }
  }

  @Test func `a plot fits terminals of any sensible width, and the least sum is seen`() throws {
    try payAll()
    try seller.pay(7, 1, atMs: Self.mondayMs + 20 * Self.dayMs, offer: "caf\u{E9} 日本語")
    for grouping in RevenueCommand.Grouping.allCases {
      let command = try seller.command(RevenueCommand.self, "--by", grouping.rawValue)
      let bars = try RevenueBars(command.revenue(), by: grouping)
      for width in 40...160 {
        let lines = RevenuePlot(bars).lines(width: width)
        #expect(lines.allSatisfy { TextWidth.of($0) <= width }, "\(width): \(lines)")
        #expect(lines.last?.hasSuffix(" IOTA") == true, "\(width)")
      }
    }
    #expect(
      RevenuePlot(RevenueBars([.init(label: "a", nanos: 1), .init(label: "b", nanos: 1 << 60)]))
        .lines(width: 60).first?.contains("▏") == true)
    #expect(RevenuePlot(RevenueBars([])).lines(width: 60) == ["Nothing came in."])
  }

  @Test func `more bars than a chart has room for are refused with what to ask instead`() throws {
    try seller.pay(1, 5, atMs: 0)
    try seller.pay(2, 5, atMs: .max)
    let command = try seller.command(RevenueCommand.self)
    let revenue = try command.revenue()
    let error = #expect(throws: ValidationError.self) { try RevenueBars(revenue, by: .day) }
    #expect(error?.message.contains("--from") == true)
    #expect(revenue.map(\.key.label) == ["1970-01-01", "9999-12-31"])
  }

  @Test func `the SVG is well-formed, has a bar for each sum and its unit, and suits dark screens`()
    throws
  {
    try payAll()
    try seller.pay(7, 700_000_000, atMs: Self.mondayMs, offer: "<&\"'\u{1}\u{FFFE}> \u{1F600}")
    let command = try seller.command(RevenueCommand.self, "--by", "offer")
    let bars = try RevenueBars(command.revenue(), by: .offer)
    let document = RevenueSVG(bars, title: "Revenue by offer, in IOTA").document
    let reader = SVGReader()
    let parser = XMLParser(data: Data(document.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError)) \(document)")
    #expect(reader.bars == 4)
    #expect(reader.texts.contains("IOTA"))
    #expect(reader.texts.contains("0") && reader.texts.contains("6"))
    #expect(reader.texts.contains { $0.hasPrefix("<&\"'") })
    #expect(reader.texts.contains("live: 6 IOTA"))
    #expect(document.contains("prefers-color-scheme: dark"))
    #expect(
      !document.contains("http://")
        || !document.replacing("http://www.w3.org/2000/svg", with: "")
          .contains("http"),
      "it stands alone")
    // The largest sum is a whole axis high, and another one in proportion.
    #expect(reader.heights.max() == 314)
    #expect(reader.heights.contains { abs($0 - 314.0 * 0.5 / 6) < 0.01 })
  }
}

private final class SVGReader: NSObject, XMLParserDelegate {
  var bars = 0
  var heights: [Double] = []
  var texts: [String] = []
  private var text = ""

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    text = ""
    guard name == "rect", attributes["class"] == "bar" else { return }
    bars += 1
    if let height = attributes["height"].flatMap({ Double($0) }) { heights.append(height) }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    texts.append(text)
    text = ""
  }
}

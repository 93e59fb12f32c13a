import Foundation
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// Times, amounts and tables, as people are shown them.
struct ShownTextTests {
  @Test func `moments are what Foundation makes of them, to the millisecond`() {
    var random = SplitMix64(seed: 7)
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    for _ in 0..<2000 {
      let timeMs = Int64.random(in: 0...253_402_300_799_000, using: &random)
      let (seconds, rest) = timeMs.quotientAndRemainder(dividingBy: 1000)
      let whole = Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
      let text = Moment.describe(ms: timeMs)
      let fraction = "\(1000 + rest)".dropFirst()
      #expect(text == "\(whole.dropLast()).\(fraction)Z")
      #expect(Moment.parseMs(text) == timeMs)
      #expect((try? Date(text, strategy: style)) != nil)
    }
    #expect(Moment.describe(ms: .min) == "1970-01-01T00:00:00.000Z")
    #expect(Moment.describe(ms: .max) == "9999-12-31T23:59:59.000Z")
    #expect(Moment.second(ms: 1_795_700_000_999) == "2026-11-26T13:33:20Z")
  }

  @Test func `days, weeks and months are those of the ISO calendar`() throws {
    var calendar = Calendar(identifier: .iso8601)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    for day in Int64(0)..<40_000 {
      let parts = calendar.dateComponents(
        [.year, .month, .day, .weekOfYear, .yearForWeekOfYear],
        from: Date(timeIntervalSince1970: Double(day * 86_400)))
      let (year, month) = (try #require(parts.year), try #require(parts.month))
      let (week, weekYear) = (
        try #require(parts.weekOfYear), try #require(parts.yearForWeekOfYear)
      )
      func two(_ number: Int) -> String { String("\(100 + number)".dropFirst()) }
      #expect(
        RevenueKey(day: day, by: .day).label
          == "\(year)-\(two(month))-\(two(try #require(parts.day)))")
      #expect(RevenueKey(day: day, by: .month).label == "\(year)-\(two(month))")
      #expect(RevenueKey(day: day, by: .week).label == "\(weekYear)-W\(two(week))")
    }
  }

  @Test func `times are read in all their forms`() throws {
    #expect(try TimeRange.parseMs("2026-11-26") == 1_795_651_200_000)
    #expect(try TimeRange.parseMs("2026-11-26T13:33:20Z") == 1_795_700_000_000)
    #expect(try TimeRange.parseMs("2026-11-26T14:33:20.5+01:00") == 1_795_700_000_500)
    let ago = Moment.nowMs - (try TimeRange.parseMs("7d"))
    #expect((604_800_000 - 60_000...604_800_000).contains(ago))
    for text in ["", "today", "2026-13-01", "2026-11-26 13:00", "-7d", "99999999999999999999d"] {
      #expect(throws: (any Error).self, "\(text)") { try TimeRange.parseMs(text) }
    }
    _ = try TimeRange.parseMs("\(Int64.max)ms")
  }

  @Test func `amounts are exact, and stand below each other`() {
    #expect(Amount.iota(0) == "0")
    #expect(Amount.iota(1_500_000_000) == "1.5")
    #expect(Amount.iota(1, fractionCount: 3) == "0.000000001")
    #expect(Amount.iota(2_000_000_000, fractionCount: 3) == "2.000")
    #expect(Amount.iota(.max) == "340282366920938463463374607431.768211455")
    #expect(ShownText.iota([500_000, 12_000_000_000]) == ["0.0005", "12.0000"])
    #expect(ShownText.iota([]).isEmpty)
  }

  @Test func `lengths are told by their two largest units`() {
    let lengths: [(Int64, String)] = [
      (-5, "0s"), (999, "0s"), (61_000, "1m 1s"), (3_600_000, "1h"), (3_605_000, "1h"),
      (90_061_000, "1d 1h"), (.max, "for ever"),
    ]
    for (ms, text) in lengths { #expect(ShownText.length(ms: ms) == text) }
  }

  @Test func `a table fits its terminal, shortens the widest text, and leaves numbers whole`() {
    var table = TextTable([
      .init("NAME", leastWidth: 4), .init("AMOUNT", isNumber: true), .init("NOTE", leastWidth: 6),
    ])
    table.add(["jane", "12.5", "a note that is far too long"])
    table.add(["日本語", "1000000.25", "e\u{301}"])
    #expect(
      table.lines(width: 80) == [
        "NAME        AMOUNT  NOTE",
        "jane          12.5  a note that is far too long",
        "日本語  1000000.25  e\u{301}",
      ])
    #expect(
      table.lines(width: 28) == [
        "NAME        AMOUNT  NOTE",
        "jane          12.5  a note …",
        "日本語  1000000.25  e\u{301}",
      ])
    #expect(table.lines(width: 1)[1].hasPrefix("jane"))
    #expect(TextTable([.init("A")]).lines(width: 10) == ["A"])
  }
}

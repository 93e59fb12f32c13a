import PaywallCore
import Testing

struct AmountTests {
  @Test(arguments: [
    ("0.0005 IOTA", 500_000), ("500000 nanos", 500_000), ("500 i", 500_000),
    ("1 iota", 1_000_000_000),
    ("0.000000001 IOTA", 1), ("0.5 i", 500), ("0 nanos", 0), ("1.50 i", 1500), ("007 nanos", 7),
    ("9223372036.854775807 IOTA", Nanos.max), ("  3   nanos ", 3),
    ("1.000000000000 IOTA", 1_000_000_000),
  ])
  func `reads decimals with a unit`(text: String, nanos: Nanos) throws {
    #expect(try Amount.parse(text) == nanos)
  }

  @Test(arguments: [
    "", "1", "IOTA", "1IOTA", "-1 nanos", "+1 nanos", "1e3 nanos", "1. IOTA", ".5 IOTA", "1,5 IOTA",
    "0.0000000001 IOTA", "0.1 nanos", "1 BTC", "1 2 IOTA", "0x10 nanos", "१ nanos",
    "9223372036.854775808 IOTA", "99999999999999999999 nanos", "1.2.3 IOTA",
  ])
  func `refuses what is no amount`(text: String) {
    #expect(throws: AmountError.self) { try Amount.parse(text) }
  }

  @Test func `says what to write instead`() {
    let error = #expect(throws: AmountError.self) { try Amount.parse("5 euro") }
    #expect(
      error?.description == "'5 euro' has an unknown unit: use IOTA, nanos or i (1 i = 1000 nanos)")
  }

  @Test(arguments: [
    (0, "0 IOTA"), (1, "0.000000001 IOTA"), (500_000, "0.0005 IOTA"), (1_000_000_000, "1 IOTA"),
    (-2_480_400, "-0.0024804 IOTA"), (Nanos.max, "9223372036.854775807 IOTA"),
  ])
  func `writes amounts in IOTA`(nanos: Nanos, text: String) {
    #expect(Amount.describe(nanos) == text)
  }

  @Test(arguments: [
    ("500ms", 500), ("1s", 1000), ("2m", 120_000), ("2 min", 120_000), ("1h", 3_600_000),
    ("30d", 2_592_000_000), ("4w", 2_419_200_000),
  ])
  func `reads spans of time`(text: String, ms: Int64) {
    #expect(Period.parseMs(text) == ms)
  }

  @Test(arguments: ["", "1", "h", "0s", "-1s", "1.5h", "1 year", "9223372036854775807w", "1h30m"])
  func `refuses what is no span of time`(text: String) {
    #expect(Period.parseMs(text) == nil)
  }

  @Test(arguments: [(3_600_000, "1h"), (90_000, "90s"), (1500, "1500ms"), (604_800_000, "1w")])
  func `writes spans in the largest unit that fits`(ms: Int64, text: String) {
    #expect(Period.describe(ms: ms) == text)
  }
}

import Testing

@testable import paywall

/// Moments as `paywall` writes and reads them.
struct MomentTests {
  @Test func `every millisecond is read as it was written`() {
    for timeMs in Int64(1_795_703_920_000)..<1_795_703_921_000 {
      let text = Moment.describe(ms: timeMs)
      #expect(Moment.parseMs(text) == timeMs, "\(text)")
    }
    #expect(Moment.describe(ms: 1_795_703_920_004) == "2026-11-26T14:38:40.004Z")
  }

  @Test func `what no calendar has is written as its end`() {
    #expect(Moment.describe(ms: .max) == "9999-12-31T23:59:59.000Z")
    #expect(Moment.describe(ms: .min) == "1970-01-01T00:00:00.000Z")
  }
}

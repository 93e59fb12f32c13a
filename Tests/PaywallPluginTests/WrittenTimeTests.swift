import Testing

@testable import PaywallPlugin

@Suite struct WrittenTimeTests {
  @Test func `each millisecond is written as it is`() {
    for ms in 0..<1000 {
      let digits = String(String(ms + 1000).dropFirst())
      #expect(
        WrittenTime.describe(1_795_709_739_000 + Int64(ms)) == "2026-11-26T16:15:39.\(digits)Z")
    }
  }

  @Test func `what lies beyond the calendar is the end of it`() {
    #expect(WrittenTime.describe(.max) == "9999-12-31T23:59:59.999Z")
    #expect(WrittenTime.describe(.min) == "1970-01-01T00:00:00.000Z")
  }
}

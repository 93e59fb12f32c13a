import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// What was in force stays, whatever the clock says at the next start.
struct SettledTests {
  @Test func `a clock that is behind at a start undoes no change of offers`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    let history = try {
      let ledger = try Ledger(path: path, nowMs: 1000)
      defer { ledger.close() }
      _ = try ledger.apply(offers: [World.entry("live")], nowMs: 1000, firstFromMs: 0)
      #expect(try ledger.settledUntilMs() == nil)
      _ = try ledger.endOutage(atMs: 1000, terms: Ledger.Terms())
      #expect(try ledger.settledUntilMs() == 0)
      return try ledger.apply(
        offers: [World.entry("live", price: 2)], nowMs: 9000, firstFromMs: 0)
    }()
    let ledger = try Ledger(path: path, nowMs: 2000)
    defer { ledger.close() }
    let settledMs = try #require(try ledger.settledUntilMs())
    #expect(settledMs == 9000)
    let after = try ledger.apply(
      offers: [World.entry("live", price: 2)], nowMs: max(2000, settledMs), firstFromMs: 0)
    #expect(after == history)
    #expect(after.versions.map(\.validFromMs) == [0, 9000])
  }

  @Test func `a change by a clock that nobody has confirmed settles nothing`() throws {
    let world = try World([World.entry("live")])
    _ = try world.ledger.endOutage(atMs: 2000, terms: Ledger.Terms())
    var dated = try World.entry("live", price: 3)
    dated.fromMs = 50_000
    _ = try world.ledger.apply(
      offers: [World.entry("live"), dated], nowMs: 3000, firstFromMs: 0)
    // What is to come is not in force yet.
    #expect(try world.ledger.settledUntilMs() == 0)
    try world.record(World.payment(7, 1000))
    #expect(try world.ledger.settledUntilMs() == 7000)
  }
}

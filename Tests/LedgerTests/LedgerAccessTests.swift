import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

struct LedgerAccessTests {
  private func access(_ world: World, _ account: String, nowMs: Int64 = 0) throws -> [String] {
    try world.ledger.access(of: Array(account.utf8), nowMs: nowMs)
      .map { "\($0.version) \($0.span.startsAtMs)-\($0.span.endsAtMs)" }
  }

  @Test func `access is what was bought, granted and not revoked`() throws {
    let world = try World()
    try world.record(World.payment(5, 1000))
    #expect(try access(world, "johndoe") == ["1 5000-6000"])
    try world.ledger.write { db in
      try db.execute(
        sql: """
          INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
            ('johndoe', 'live', 'granted', 6000, 9000), ('johndoe', 'live', 'revoked', 5500, 7000),
            ('friend', 'other', 'granted', 1, 2), ('friend', 'no such offer', 'granted', 1, 2)
          """)
    }
    #expect(try access(world, "johndoe") == ["1 5000-5500", "1 7000-9000"])
    #expect(try access(world, "johndoe", nowMs: 9000).isEmpty)
    #expect(try access(world, "friend") == ["2 1-2"])
    #expect(try world.ledger.access(nowMs: 2).keys.map { $0 } == [Array("johndoe".utf8)])
  }

  @Test func `a changed offer sells on its new terms, and honours the old ones`() throws {
    let world = try World([World.entry("live")])
    try world.record(World.payment(5, 4000))
    let changed = OfferEntry(
      terms: Offer(
        name: try #require(Name("live")), topics: [try #require(TopicFilter("new"))], price: 2,
        perMs: 1, validFromMs: 0), fromMs: nil)
    let history = try world.ledger.apply(offers: [changed], nowMs: 6000, firstFromMs: 6000)
    let position = ReadingPosition(checkpoint: 7, sinceMs: 0)
    _ = try world.ledger.record(
      PaymentPage(payments: [World.payment(7, 4000)], position: position), network: "n",
      address: World.address, offers: history, nowMs: 7000)
    #expect(try access(world, "johndoe") == ["1 5000-9000", "2 9000-11000"])
    #expect(try world.ledger.soldOffers(nowMs: 8999).map(\.id) == [1, 2])
    #expect(try world.ledger.soldOffers(nowMs: 9000).map(\.id) == [2])
  }

  @Test func `an offer that is gone stays sold until its last time has ended`() throws {
    let world = try World([World.entry("live")])
    try world.record(World.payment(5, 4000))
    _ = try world.ledger.apply(offers: [], nowMs: 6000, firstFromMs: 6000)
    #expect(try world.ledger.soldOffers(nowMs: 8999).map(\.id) == [1])
    #expect(try world.ledger.soldOffers(nowMs: 9000).isEmpty)
  }

  @Test func `the view of now says who reads, and until when`() throws {
    let world = try World()
    let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
    try world.ledger.write { db in
      for (account, kind, start, end) in [
        ("extended", "granted", -10, 1000), ("extended", "granted", 1000, 2000),
        ("cut", "granted", -10, 5000), ("cut", "revoked", 3000, 4000), ("over", "granted", -10, -5),
        ("revoked", "granted", -10, 1000), ("revoked", "revoked", -10, 1000),
        ("later", "granted", 1000, 2000),
      ] as [(String, String, Int64, Int64)] {
        try db.execute(
          sql:
            "INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES (?,'live',?,?,?)",
          arguments: [account, kind, nowMs + start * 1000, nowMs + end * 1000])
      }
    }
    let rows = try world.rows("SELECT account, round(seconds_left / 100) * 100 FROM access_now")
    #expect(rows == ["cut|3000.0", "extended|2000.0"])
    #expect(try world.rows("SELECT count(*) FROM access_log") == ["8"])
  }

  @Test func `revenue counts all that came in`() throws {
    let world = try World()
    try world.record(World.payment(1, 500), World.payment(2, 1_000_000_000, for: "a/b"))
    #expect(
      try world.rows("SELECT * FROM revenue_by_day") == ["1970-01-01|2|1000000500|1.000000500"])
  }
}

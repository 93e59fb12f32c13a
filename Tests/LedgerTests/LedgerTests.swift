import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

struct LedgerTests {
  @Test func `a payment becomes a row, an account and a grant`() throws {
    let world = try World()
    let recorded = try world.record(World.payment(5, 500))
    #expect(recorded.accounts == [Array("johndoe".utf8)])
    #expect(recorded.outcomes.first?.bought == Span(startsAtMs: 5000, endsAtMs: 5500))
    #expect(
      try world.rows("SELECT state, amount, account, offer, checkpoint, paid_at FROM payments")
        == ["confirmed|500|johndoe|live|5|5000"])
    #expect(try world.rows("SELECT username, kind FROM accounts") == ["johndoe|broker"])
    #expect(try world.bought() == ["johndoe|5000|5500"])
    #expect(try world.rows("SELECT network, checkpoint FROM sync") == ["n|5"])
  }

  @Test func `each payment counts once, whatever is repeated`() throws {
    let world = try World()
    for _ in 0..<3 {
      try world.record(World.payment(5, 500), World.payment(5, 500))
      try world.record(World.payment(6, 500), World.payment(5, 500))
    }
    #expect(try world.bought() == ["johndoe|5000|5500", "johndoe|6000|6500"])
    #expect(try world.record(World.payment(5, 500)).outcomes.isEmpty)
  }

  @Test func `a payment that turns up late moves what comes after it`() throws {
    let world = try World()
    try world.record(World.payment(5, 2000))
    try world.record(World.payment(6, 2000))
    #expect(try world.bought() == ["johndoe|5000|7000", "johndoe|7000|9000"])
    let late = try world.record(World.payment(4, 3000))
    #expect(late.outcomes.map(\.bought) == [Span(startsAtMs: 4000, endsAtMs: 7000)])
    #expect(try world.bought() == ["johndoe|4000|7000", "johndoe|7000|9000", "johndoe|9000|11000"])
  }

  @Test func `a late payment is counted from its place on, and no further than it matters`() throws
  {
    let world = try World()
    for number in 1...40 as ClosedRange<UInt8> where number != 20 {
      try world.record(World.payment(number, 100))
    }
    let before = try world.rows("SELECT id, starts_at FROM grants ORDER BY id")
    try world.ledger.write { db in
      // Whatever is counted anew without need shows.
      try db.execute(sql: "UPDATE grants SET ends_at = ends_at + 1 WHERE starts_at < 18000")
    }
    try world.record(World.payment(20, 1500))
    #expect(
      try world.rows(
        "SELECT starts_at, ends_at FROM grants WHERE starts_at BETWEEN 19000 AND 22000")
        == ["19000|19100", "21500|21600", "22000|22100", "20000|21500"])
    let after = try world.rows("SELECT id, starts_at FROM grants ORDER BY id")
    #expect(zip(before, after).count { $0 != $1 } == 1, "only the next one has moved")
    #expect(try world.rows("SELECT count(*) FROM grants WHERE ends_at % 100 = 1") == ["17"])
  }

  @Test func `a late payment can make good what was too little`() throws {
    let world = try World()
    try world.record(World.payment(6, 4))
    #expect(try world.rows("SELECT * FROM credits") == ["johndoe|live|4"])
    #expect(try world.bought().isEmpty)
    try world.record(World.payment(5, 8))
    #expect(try world.bought() == ["johndoe|6000|6012"])
    #expect(try world.rows("SELECT * FROM credits").isEmpty)
  }

  @Test func `reading resumes where it stood, unless it is to begin earlier`() throws {
    let world = try World()
    func checkpoint(sinceMs: Int64) throws -> Int64? {
      try world.ledger.position(network: "n", address: World.address, sinceMs: sinceMs).checkpoint
    }
    #expect(try checkpoint(sinceMs: 0) == nil)
    try world.record(World.payment(5, 500))
    #expect(try checkpoint(sinceMs: 0) == 5)
    #expect(try checkpoint(sinceMs: 100) == 5)
    #expect(try checkpoint(sinceMs: -1) == nil)
    let other = try world.ledger.position(network: "other", address: World.address, sinceMs: nil)
    #expect(other == ReadingPosition(checkpoint: nil, sinceMs: 1000))
  }

  @Test func `too little is kept as credit, by account and offer`() throws {
    let world = try World()
    try world.record(World.payment(1, 9), World.payment(2, 9, for: "jane"), World.payment(3, 3))
    #expect(try world.rows("SELECT * FROM credits") == ["jane|live|9"])
    #expect(try world.bought() == ["johndoe|3000|3012"])
  }

  @Test func `the sender is the account where there is no memo`() throws {
    let world = try World()
    try world.record(World.payment(5, 500, for: nil))
    let payer = try #require(World.payer)
    #expect(try world.rows("SELECT username, kind FROM accounts") == ["\(payer)|wallet"])
    #expect(try world.ledger.access(of: Array("\(payer)".utf8), nowMs: 5000).count == 1)
  }

  @Test func `what nobody can claim is kept for the seller`() throws {
    let world = try World()
    try world.record(
      World.payment(1, 500, for: "a/b"), World.payment(2, 500, offer: "none"))
    #expect(
      try world.rows("SELECT nanos, reason FROM unclaimed_payments ORDER BY paid")
        == [
          "500|the memo's username is impossible",
          "500|the memo's offer was not sold at the time",
        ])
    #expect(try world.bought().isEmpty)
    #expect(try world.ledger.isKnown(World.digest(1)))
  }

  @Test func `a pending payment is recorded, and counts once it is confirmed`() throws {
    let world = try World()
    try world.record(World.payment(5, 500, isPending: true))
    #expect(try world.rows("SELECT state, paid_at FROM payments") == ["pending|"])
    #expect(try !world.ledger.isKnown(World.digest(5)))
    #expect(try world.ledger.hasPendingPayments(sinceMs: 0))
    #expect(try !world.ledger.hasPendingPayments(sinceMs: 5000))
    #expect(try world.record(World.payment(5, 500, isPending: true)).outcomes.isEmpty)
    try world.record(World.payment(5, 500))
    #expect(try world.rows("SELECT state, paid_at FROM payments") == ["confirmed|5000"])
    #expect(try !world.ledger.hasPendingPayments(sinceMs: 0))
    #expect(try world.record(World.payment(5, 500, isPending: true)).outcomes.isEmpty)
    #expect(try world.bought() == ["johndoe|5000|5500"])
  }

  @Test func `what is no payment is recorded with the reason, and buys nothing`() throws {
    let world = try World()
    var spending = World.payment(5, 0)
    spending.rejection = "the seller's own spending"
    try world.record(spending)
    #expect(
      try world.rows("SELECT state, reason FROM payments") == ["rejected|the seller's own spending"]
    )
    #expect(try world.bought().isEmpty)
    #expect(try world.ledger.isKnown(World.digest(5)))
  }

  @Test func `names that differ only in normalisation have accounts of their own`() throws {
    let world = try World()
    try world.record(
      World.payment(1, 100, for: "caf\u{E9}"), World.payment(2, 200, for: "cafe\u{301}"))
    #expect(try world.rows("SELECT count(*) FROM accounts") == ["2"])
    let composed = try world.ledger.access(of: Array("caf\u{E9}".utf8), nowMs: 0)
    let decomposed = try world.ledger.access(of: Array("cafe\u{301}".utf8), nowMs: 0)
    #expect(composed.map(\.span) == [Span(startsAtMs: 1000, endsAtMs: 1100)])
    #expect(decomposed.map(\.span) == [Span(startsAtMs: 2000, endsAtMs: 2200)])
    #expect(try world.ledger.access(nowMs: 0).count == 2)
  }

  @Test func `the same payments make the same ledger, in whatever order they come`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<60 {
      let payments = (0..<16).map { number in
        World.payment(
          UInt8(number),
          Nanos.random(in: 1...(number.isMultiple(of: 2) ? 9 : 3000), using: &random),
          for: ["a", "b", "caf\u{E9}", "cafe\u{301}"].randomElement(using: &random),
          offer: ["live", "other", nil].randomElement(using: &random) ?? nil,
          checkpoint: Int64.random(in: 1...6, using: &random))
      }
      let bought = """
        SELECT account, offer, starts_at, ends_at, payment FROM grants
        ORDER BY account, offer, starts_at, payment
        """
      let ordered = try World()
      try ordered.record(payments)
      let shuffled = try World()
      var rest = payments.shuffled(using: &random)[...]
      while !rest.isEmpty {
        let page = rest.prefix(Int.random(in: 1...4, using: &random))
        try shuffled.record(Array(page))
        rest = rest.dropFirst(Int.random(in: 0...page.count, using: &random))
      }
      #expect(try ordered.rows(bought) == shuffled.rows(bought), "seed \(seed)")
      let credits = "SELECT * FROM credits ORDER BY account, offer"
      #expect(try ordered.rows(credits) == shuffled.rows(credits), "seed \(seed)")
    }
  }
}

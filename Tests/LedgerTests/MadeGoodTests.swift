import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Bought time that passed before its payment was known, or while the broker was down.
struct MadeGoodTests {
  private let terms = Ledger.Terms(makesGood: true)
  private let world: World

  init() throws {
    world = try World()
    #expect(try world.ledger.endOutage(atMs: 1000, terms: terms).isEmpty)
  }

  private func spans(_ kind: String = "made_good") throws -> [String] {
    try world.rows(
      "SELECT starts_at, ends_at FROM grants WHERE kind = '\(kind)' ORDER BY starts_at")
  }

  @Test func `what had passed when a payment became known is given after it`() throws {
    let recorded = try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    #expect(recorded.outcomes.first?.madeGood == Span(startsAtMs: 25_000, endsAtMs: 45_000))
    #expect(recorded.accounts == [Array("johndoe".utf8)])
    #expect(try world.bought() == ["johndoe|5000|25000"])
    #expect(
      try world.given()
        == ["made_good|25000|45000|20s had passed when the payment became known"])
    #expect(
      try world.rows("SELECT kind, seconds, payment FROM access_log WHERE kind = 'made_good'")
        == ["made_good|20.0|\(World.digest(5))"])
  }

  @Test func `what still runs is not given twice`() throws {
    try world.record([World.payment(5, 100_000)], nowMs: 25_000, terms)
    #expect(try spans() == ["105000|125000"])
    // Whatever is repeated.
    try world.record([World.payment(5, 100_000)], nowMs: 60_000, terms)
    #expect(try spans() == ["105000|125000"])
  }

  @Test func `an ordinary delay is nobody's loss`() throws {
    try world.record([World.payment(5, 100_000)], nowMs: 15_000, terms)
    try world.record([World.payment(6, 100_000, for: "jane")], nowMs: 16_001, terms)
    #expect(try spans() == ["106000|116001"])
  }

  @Test func `a payment that is older than the ledger gives nothing, and so does a rebuild`() throws
  {
    try world.record([World.payment(0, 20_000)], nowMs: 25_000, terms)
    #expect(try spans().isEmpty)
    try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    #expect(try spans().count == 1)
    let scratch = try Scratch()
    let rebuilt = try Ledger(path: scratch.path("ledger.db"), nowMs: 30_000)
    _ = try rebuilt.apply(offers: [World.entry("live")], nowMs: 30_000, firstFromMs: 0)
    let page = PaymentPage(
      payments: [World.payment(0, 20_000), World.payment(5, 20_000)],
      position: ReadingPosition(checkpoint: 5, sinceMs: 0))
    _ = try rebuilt.record(
      page, network: "n", address: World.address, offers: world.offers, terms: terms,
      nowMs: 31_000)
    let kinds = try rebuilt.read { try String.fetchAll($0, sql: "SELECT kind FROM grants") }
    #expect(kinds == ["bought", "bought"])
  }

  @Test func `nothing is made good unless the seller wants it`() throws {
    try world.record([World.payment(5, 20_000)], nowMs: 25_000)
    #expect(try world.given().isEmpty)
  }

  @Test func `what was made good before is no part of what is bought for the same time`() throws {
    try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    #expect(try spans() == ["25000|45000"])
    // It is over when the second payment becomes known, whose time began while it ran.
    try world.record([World.payment(10, 30_000)], nowMs: 60_000, terms)
    #expect(try world.bought() == ["johndoe|5000|25000", "johndoe|25000|55000"])
    #expect(try spans() == ["25000|45000", "60000|90000"])
  }

  @Test func `an outage that is looked at late gives nothing in the past`() throws {
    try world.record([World.payment(5, 20_000)], nowMs: 6000, terms)
    try world.ledger.noteAlive(nowMs: 10_000)
    world.ledger.close()
    let folder = try Scratch()
    try FileManager.default.copyItem(
      atPath: world.scratch.path("ledger.db"), toPath: folder.path("ledger.db"))
    // No node told the time before 90 s.
    let again = try World(in: folder)
    _ = try again.ledger.endOutage(atMs: 30_000, nowMs: 90_000, terms: terms)
    #expect(
      try again.rows("SELECT starts_at, ends_at FROM grants WHERE kind = 'made_good'")
        == ["90000|105000"])
  }

  @Test func `it moves behind what is bought later`() throws {
    try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    let recorded = try world.record([World.payment(30, 10_000)], nowMs: 30_000, terms)
    #expect(recorded.accounts == [Array("johndoe".utf8)])
    #expect(try world.bought() == ["johndoe|5000|25000", "johndoe|30000|40000"])
    #expect(try spans() == ["25000|30000", "40000|55000"])
    // Again, and no row is left empty.
    try world.record([World.payment(31, 10_000)], nowMs: 31_000, terms)
    #expect(try spans() == ["25000|30000", "50000|65000"])
    #expect(
      try world.ledger.access(of: Array("johndoe".utf8), nowMs: 0).map(\.span)
        == [Span(startsAtMs: 5000, endsAtMs: 65_000)])
  }

  @Test func `what was revoked was not lost, and does not come back`() throws {
    let admin = try AdminLedger(path: world.ledger.path)
    let johndoe = try #require(Account(username: "johndoe"))
    let live = try #require(Name("live"))
    _ = try admin.revoke(
      from: johndoe, offer: live, fromMs: 0, lengthMs: 15_000, note: nil, nowMs: 1000)
    try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    #expect(try spans() == ["25000|35000"])
    _ = try admin.revoke(
      from: johndoe, offer: live, fromMs: 27_000, lengthMs: nil, note: nil, nowMs: 27_000)
    try world.record([World.payment(30, 10_000)], nowMs: 30_000, terms)
    #expect(try spans() == ["25000|30000"])
  }

  @Test func `a late payment that moves others makes good what was lost, and no more`() throws {
    try world.record([World.payment(20, 30_000)], nowMs: 20_300, terms)
    #expect(try spans().isEmpty)
    // Of its 20 seconds, the other payment gave access in the last 5.
    try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    #expect(try world.bought() == ["johndoe|5000|25000", "johndoe|25000|55000"])
    #expect(try spans() == ["55000|70000"])
  }

  @Test func `credit that a late payment turns into time is made good`() throws {
    try world.record([World.payment(6, 4)], nowMs: 6300, terms)
    try world.record([World.payment(5, 8)], nowMs: 25_000, terms)
    #expect(try world.bought() == ["johndoe|6000|6012"])
    #expect(try spans() == ["25000|25012"])
  }

  @Test func `several late payments are made good one after the other`() throws {
    let payments = [
      World.payment(5, 5000), World.payment(6, 5000), World.payment(7, 5000, for: "jane"),
    ]
    try world.record(payments, nowMs: 30_000, terms)
    #expect(
      try world.rows(
        """
        SELECT account, starts_at, ends_at, payment FROM grants WHERE kind = 'made_good'
        ORDER BY account, starts_at
        """) == [
          "jane|30000|35000|\(World.digest(7))", "johndoe|30000|35000|\(World.digest(5))",
          "johndoe|35000|40000|\(World.digest(6))",
        ])
  }

  @Test func `amounts without end neither trap nor run over`() throws {
    try world.record([World.payment(5, .max), World.payment(6, .max)], nowMs: 100_000, terms)
    #expect(try spans().allSatisfy { $0.hasSuffix("|\(Int64.max)") })
    try world.record([World.payment(7, .max)], nowMs: 100_000, terms)
    #expect(
      try world.ledger.access(of: Array("johndoe".utf8), nowMs: 0).map(\.span)
        == [Span(startsAtMs: 5000, endsAtMs: .max)])
  }
}

/// Outages of the broker.
struct OutageTests {
  private let terms = Ledger.Terms(makesGood: true)
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
  }

  /// Opens the ledger, as a start of the broker does.
  private func start(
    atMs startMs: Int64, terms: Ledger.Terms? = nil,
    _ body: (World, Ledger.Outage?) throws -> Void
  ) throws {
    let world = try World(in: scratch)
    defer { world.ledger.close() }
    let outages = try world.ledger.endOutage(atMs: startMs, terms: terms ?? self.terms)
    #expect(outages.count < 2)
    try body(world, outages.first)
  }

  @Test func `bought time that ran while the broker was down is given again`() throws {
    try start(atMs: 1000) { (world, outage) throws in
      #expect(outage == nil)
      try world.record([World.payment(5, 100_000)], nowMs: 6000, terms)
      // Nothing is said when the broker is killed.
    }
    try start(atMs: 36_000) { (world, outage) throws in
      #expect(outage?.span == Span(startsAtMs: 6000, endsAtMs: 36_000))
      #expect(outage?.accounts == [Array("johndoe".utf8)])
      #expect(outage?.madeGoodMs == 30_000)
      let note =
        "30s passed while the broker was down, from 1970-01-01T00:00:06Z to 1970-01-01T00:00:36Z"
      #expect(try world.given() == ["made_good|105000|135000|\(note)"])
      #expect(try world.ledger.endOutage(atMs: 37_000, terms: terms).isEmpty)
      try world.ledger.noteAlive(nowMs: 50_000)
    }
    // Another outage, of the time that runs by then; also of what was made good.
    try start(atMs: 115_000) { (world, outage) throws in
      #expect(outage?.span.startsAtMs == 50_000)
      #expect(outage?.madeGoodMs == 65_000)
      #expect(try world.rows("SELECT sum(ends_at - starts_at) FROM grants") == ["195000"])
    }
  }

  @Test func `a restart is no outage`() throws {
    try start(atMs: 1000) { world, _ in
      try world.record([World.payment(5, 100_000)], nowMs: 6000, terms)
      try world.ledger.noteAlive(nowMs: 20_000)
    }
    try start(atMs: 30_000) { (world, outage) throws in
      #expect(outage == nil)
      #expect(try world.given().isEmpty)
    }
  }

  @Test func `a payment made meanwhile loses what passed, and that once`() throws {
    try start(atMs: 1000) { world, _ in try world.ledger.noteAlive(nowMs: 4000) }
    try start(atMs: 36_000) { (world, outage) throws in
      #expect(outage?.accounts.isEmpty == true)
      try world.record([World.payment(5, 100_000)], nowMs: 37_000, terms)
      #expect(try world.given().map { $0.prefix(23) } == ["made_good|105000|137000"])
    }
    // Killed at once: the ledger knows it was there until the payment was recorded.
    try start(atMs: 40_000) { _, outage in #expect(outage == nil) }
  }

  @Test func `a payment recorded before the outage is looked at loses nothing twice`() throws {
    try start(atMs: 1000) { world, _ in try world.ledger.noteAlive(nowMs: 4000) }
    let world = try World(in: scratch)
    try world.record([World.payment(5, 100_000)], nowMs: 37_000, terms)
    #expect(try world.given().map { $0.prefix(23) } == ["made_good|105000|137000"])
    let outage = try world.ledger.endOutage(atMs: 36_000, terms: terms).first
    #expect(outage?.span == Span(startsAtMs: 4000, endsAtMs: 36_000))
    #expect(outage?.accounts.isEmpty == true)
    #expect(try world.given().count == 1)
  }

  @Test func `an outage after a run that knew no time is made good from when a payment is known`()
    throws
  {
    try start(atMs: 1000) { world, _ in try world.ledger.noteAlive(nowMs: 4000) }
    // It records a payment, and is killed before it knows the tangle's time.
    func runBlindly() throws {
      let world = try World(in: scratch)
      defer { world.ledger.close() }
      try world.record([World.payment(5, 100_000)], nowMs: 37_000, terms)
      #expect(try world.given().map { $0.prefix(23) } == ["made_good|105000|137000"])
    }
    try runBlindly()
    try start(atMs: 97_000) { (world, outage) throws in
      #expect(outage?.span == Span(startsAtMs: 4000, endsAtMs: 97_000))
      #expect(outage?.madeGoodMs == 60_000)
      #expect(try world.rows("SELECT sum(ends_at - starts_at) FROM grants") == ["192000"])
    }
  }

  @Test func `nothing is given where the seller does not want it, then or later`() throws {
    try start(atMs: 1000) { world, _ in
      try world.record([World.payment(5, 100_000)], nowMs: 6000, terms)
    }
    try start(atMs: 36_000, terms: Ledger.Terms()) { (world, outage) throws in
      #expect(outage == nil)
    }
    try start(atMs: 37_000) { (world, outage) throws in
      #expect(outage == nil)
      #expect(try world.given().isEmpty)
    }
  }

  @Test func `nothing is given for payments that are older than the ledger`() throws {
    try start(atMs: 1000) { world, _ in
      try world.record([World.payment(0, 100_000)], nowMs: 6000, terms)
    }
    try start(atMs: 36_000) { (world, outage) throws in
      #expect(outage?.accounts.isEmpty == true)
      #expect(try world.given().isEmpty)
    }
  }

  @Test func `a lock of another program puts it off`() throws {
    try start(atMs: 1000) { world, _ in
      try world.record([World.payment(5, 100_000)], nowMs: 6000, terms)
    }
    let world = try World(in: scratch)
    let admin = try DatabaseQueue(path: world.ledger.path)
    try admin.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(throws: LedgerError.self) {
        try world.ledger.endOutage(atMs: 36_000, terms: terms)
      }
      // Until then nothing else is noted that would hide it.
      try world.ledger.noteAlive(nowMs: 37_000)
      try db.execute(sql: "ROLLBACK")
    }
    #expect(try world.ledger.endOutage(atMs: 36_000, terms: terms).first?.madeGoodMs == 30_000)
  }
}

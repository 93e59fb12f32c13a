import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// What `paywall assign` does to a ledger that a broker has open.
struct AssignTests {
  private let world: World
  private let admin: AdminLedger
  private let jane: Account
  private let live: Name
  private let other: Name

  /// Prices are 1 NANOS for a millisecond.
  init() throws {
    world = try World()
    admin = try AdminLedger(path: world.ledger.path)
    jane = .buyer(try #require(Name("jane")))
    live = try #require(Name("live"))
    other = try #require(Name("other"))
  }

  private func assign(
    _ name: String, offer: Name? = nil, note: String? = nil, nowMs: Int64 = 9000
  ) throws -> AdminLedger.Assigned {
    try admin.assign(name, to: jane, offer: offer, note: note, nowMs: nowMs)
  }

  private func refusal(_ name: String, offer: Name? = nil) -> String? {
    #expect(throws: LedgerError.self) { try assign(name, offer: offer) }?.reason
  }

  private func digest(_ number: UInt8) -> String { World.digest(number).description }

  @Test func `it is a granted row with the payment, on the terms of its time, from now on`() throws
  {
    try world.record(World.payment(1, 700, offer: "none"))
    #expect(try world.rows("SELECT digest FROM unclaimed_payments") == [digest(1)])
    let assigned = try assign(digest(1), offer: live, note: "by mail")
    #expect(assigned.written.span == Span(startsAtMs: 9000, endsAtMs: 9700))
    #expect(assigned.payment == digest(1) && assigned.offer == live && assigned.amountNanos == 700)
    #expect(assigned.overlap.isEmpty)
    #expect(
      try world.rows(
        "SELECT account, offer, kind, starts_at, ends_at, payment, version, note FROM grants")
        == ["buyer:jane|live|granted|9000|9700|\(digest(1))|1|assigned: 0.0000007 IOTA; by mail"])
    #expect(try world.ledger.takeChanges().accounts == [jane.username])
    #expect(try world.ledger.access(of: jane.username, nowMs: 9000).map(\.version) == [1])
    #expect(try world.rows("SELECT digest FROM unclaimed_payments").isEmpty)
    #expect(try world.rows("SELECT state, account FROM payments") == ["unclaimed|"])
    #expect(try world.bought().isEmpty)
    let reader = try LedgerReader(path: world.ledger.path)
    let shown = try reader.newestPayments(PaymentFilter(account: jane.username), limit: 9).payments
    #expect(shown.map(\.assignedTo) == ["buyer:jane"])
  }

  @Test func `a second time it is refused, until the row is deleted`() throws {
    try world.record(World.payment(1, 700, offer: "none"))
    let row = try assign(digest(1), offer: live).written.row
    #expect(refusal(digest(1), offer: live)?.contains("was assigned to buyer:jane already") == true)
    try DatabaseQueue(path: world.ledger.path).write {
      try $0.execute(sql: "DELETE FROM grants WHERE id = ?", arguments: [row])
    }
    _ = try assign(digest(1), offer: live)
    #expect(try world.rows("SELECT count(*) FROM grants") == ["1"])
  }

  @Test func `what is not unclaimed is refused, each with its reason`() throws {
    try world.record(
      World.payment(1, 700), World.payment(2, 700, isPending: true),
      World.payment(3, 0, offer: "none"))
    try DatabaseQueue(path: world.ledger.path).write {
      try $0.execute(
        sql: """
          INSERT INTO payments VALUES ('\(digest(4))', NULL, 1, 9, NULL, 1, 1, 0, 'rejected',
            'another coin', NULL, NULL)
          """)
    }
    #expect(refusal(digest(1))?.contains("it counts for johndoe already ('live')") == true)
    #expect(refusal(digest(2))?.contains("is pending") == true)
    #expect(refusal(digest(3), offer: live)?.contains("buys less than a millisecond") == true)
    #expect(refusal(digest(4))?.contains("is no payment (another coin)") == true)
    #expect(refusal(digest(5))?.contains("is not in it") == true)
    #expect(try world.rows("SELECT count(*) FROM grants WHERE kind = 'granted'") == ["0"])
  }

  @Test func `the offer is the named one, that of the memo, or the first of the time`() throws {
    try world.record(
      World.payment(1, 5, for: "a/b", offer: "other"), World.payment(2, 5, for: "a/b"),
      World.payment(3, 5, offer: "none"))
    try DatabaseQueue(path: world.ledger.path).write {
      try $0.execute(
        sql: """
          UPDATE payments SET memo = '{"username":"a/b","offer":"other"}' WHERE digest = '\(digest(1))';
          UPDATE payments SET memo = '{"username":"x","offer":"none"}' WHERE digest = '\(digest(3))';
          """)
    }
    #expect(try assign(digest(1)).offer == other)
    #expect(try assign(digest(2)).offer == live)
    #expect(
      refusal(digest(3))?.contains("'none' was not sold when payment") == true)
    #expect(refusal(digest(3))?.contains("name an offer that was: live, other") == true)
    let none = try #require(Name("nothing"))
    #expect(refusal(digest(3), offer: none)?.contains("there is no offer 'nothing'") == true)
    #expect(try assign(digest(3), offer: other).offer == other)
  }

  @Test func `a sealed memo that was opened names offer and account, by its password alone`() throws
  {
    func sealed(_ number: UInt8, _ password: String, offer: String? = nil) -> Payment {
      var payment = World.payment(number, 700)
      payment.payer = nil
      payment.memo = Memo(
        content: .sealed(PlainSeal.seal("jane", password, offer: offer)), text: "sealed")
      return payment
    }
    try world.record(
      [
        sealed(1, "x"), sealed(2, "x", offer: "none"), sealed(3, "y"),
        sealed(4, "y", offer: "other"),
      ],
      open: PlainSeal.open)
    let open = try LedgerReader(path: world.ledger.path).situation(of: jane.username, nowMs: 9000)
    // The third and fourth are somebody's who claims her name.
    #expect(open.openPayments.map(\.digest) == [digest(2)])
    #expect(refusal(digest(2))?.contains("'none' was not sold") == true)
    #expect(try assign(digest(3)).offer == live)
    #expect(try assign(digest(4)).offer == other)
  }

  @Test func `the terms are those of the payment's time, not today's`() throws {
    var world = world
    world.offers = try world.ledger.apply(
      offers: [World.entry("live", price: 10)], nowMs: 5000, firstFromMs: 0)
    try world.record(World.payment(3, 700, offer: "none"), World.payment(6, 700, offer: "none"))
    #expect(try assign(digest(3), offer: live).written.span.endsAtMs == 9700)
    #expect(try assign(digest(6), offer: live).written.span.endsAtMs == 9070)
    // Not sold any more at 6000.
    #expect(refusal(digest(6), offer: other)?.contains("was assigned") == true)
    try world.record(World.payment(7, 700, offer: "none"))
    #expect(refusal(digest(7), offer: other)?.contains("'other' was not sold") == true)
    #expect(try world.rows("SELECT version FROM grants ORDER BY id") == ["1", "3"])
    // What was sold on terms that are gone stays sold until it ends.
    #expect(try world.ledger.soldVersions(nowMs: 9500).contains(1))
  }

  @Test func `time that is held anyway is told`() throws {
    try world.record(World.payment(1, 700, offer: "none"))
    _ = try admin.grant(
      to: jane, offer: live, span: Span(startsAtMs: 0, endsAtMs: 9100), note: nil, nowMs: 0)
    #expect(try assign(digest(1), offer: live).overlap == [Span(startsAtMs: 0, endsAtMs: 9100)])
  }

  @Test func `the beginning of a digest is enough where it is no other's`() throws {
    try world.record(World.payment(1, 700, offer: "none"), World.payment(2, 700, offer: "none"))
    let names = [digest(1), digest(2)]
    let common = names[0].commonPrefix(with: names[1])
    if !common.isEmpty {
      #expect(refusal(common, offer: live)?.contains("several payments begin with") == true)
    }
    #expect(try assign(String(names[0].prefix(common.count + 8)), offer: live).payment == names[0])
    #expect(refusal("", offer: live)?.contains("several payments") == true)
  }

  @Test func `provisional access is no assignment, and an assignment no provisional access`() throws
  {
    let terms = Ledger.Terms(provisionalMs: 60_000)
    try world.record([World.payment(1, 700, isPending: true)], terms)
    #expect(try world.given().count == 1)
    var world = world
    world.offers = try world.ledger.apply(offers: [], nowMs: 5000, firstFromMs: 0)
    try world.record([World.payment(1, 700, checkpoint: 6)], nowMs: 7000, terms)
    #expect(try world.rows("SELECT state FROM payments") == ["unclaimed"])
    #expect(refusal(digest(1))?.contains("nothing was sold when payment") == true)
    try DatabaseQueue(path: world.ledger.path).write {
      try $0.execute(sql: "UPDATE payments SET paid_at = 4000")
    }
    let note = "provisional: the payment is in no checkpoint yet"
    let assigned = try assign(digest(1), note: note)
    #expect(assigned.written.span.endsAtMs == 9700)
    #expect(refusal(digest(1))?.contains("was assigned") == true)
    #expect(try world.rows("SELECT * FROM unclaimed_payments").isEmpty)
  }

  @Test func `amounts of nonsense last for ever, and trap nothing`() throws {
    try DatabaseQueue(path: world.ledger.path).write {
      try $0.execute(
        sql: """
          INSERT INTO payments VALUES ('\(digest(1))', NULL, 1, \(Int64.max), NULL, 1, 1, 0,
            'unclaimed', NULL, NULL, NULL)
          """)
    }
    #expect(try assign(digest(1), nowMs: .max - 5).written.span.endsAtMs == .max)
  }
}

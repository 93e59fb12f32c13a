import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// What an account's owner is told.
struct AccountStatusTests {
  private let world: World

  init() throws {
    world = try World()
  }

  private func status(_ account: String, nowMs: Int64) throws -> [AccountStatus.Offer] {
    try world.ledger.status(of: Array(account.utf8), nowMs: nowMs).offers
  }

  private func run(_ sql: String) throws {
    try world.ledger.write { try $0.execute(sql: sql) }
  }

  @Test func `who never had anything has no offers`() throws {
    #expect(try status("nobody", nowMs: 0).isEmpty)
    #expect(try status("\u{0}'; DROP TABLE grants", nowMs: 0).isEmpty)
  }

  @Test func `the end of what runs without a gap, whoever gave it`() throws {
    try world.record(World.payment(1, 500), World.payment(2, 500))
    try run(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
        ('johndoe', 'live', 'granted', 1500, 2000), ('johndoe', 'live', 'granted', 2600, 3000),
        ('johndoe', 'live', 'revoked', 2400, 2450), ('johndoe', 'other', 'revoked', 0, 9000)
      """)
    for (nowMs, untilMs): (Int64, Int64?) in [
      (999, nil), (1000, 2400), (2399, 2400), (2400, nil), (2450, 2500), (2500, nil), (2600, 3000),
      (3000, nil),
    ] {
      #expect(try status("johndoe", nowMs: nowMs).first?.untilMs == untilMs, "\(nowMs)")
    }
    #expect(try status("johndoe", nowMs: 0).map(\.name.description) == ["live", "other"])
  }

  @Test func `credit, what is missing, and the last payment`() throws {
    try world.record(
      World.payment(1, 500), World.payment(2, 4), World.payment(3, 5, offer: "other"))
    let offers = try status("johndoe", nowMs: 2500)
    #expect(offers.map(\.name.description) == ["live", "other"])
    #expect(offers.map(\.creditNanos) == [4, 0])
    #expect(offers.map(\.missingNanos) == [6, 1])
    #expect(
      offers.map(\.lastPayment) == [
        .init(digest: World.digest(2).description, amountNanos: 4, paidAtMs: 2000),
        .init(digest: World.digest(3).description, amountNanos: 5, paidAtMs: 3000),
      ])
  }

  @Test func `credit alone is an offer too`() throws {
    try world.record(World.payment(1, 4))
    let offers = try status("johndoe", nowMs: 5000)
    #expect(offers.map(\.creditNanos) == [4])
    #expect(offers.map(\.untilMs) == [nil])
  }
}

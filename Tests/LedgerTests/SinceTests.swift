import Foundation
import PaywallCore
import Testing

@testable import Ledger

/// From when the first offers hold.
struct SinceTests {
  private func entries() throws -> [OfferEntry] { [try World.entry("live")] }

  @Test func `moved back, the first offers sell to payments that were not looked at before`() throws
  {
    var world = try World(entries())
    world.offers = try world.ledger.apply(
      offers: [World.entry("live", price: 2)], nowMs: 20_000, firstFromMs: 0)
    try world.record(World.payment(25, 4000))
    let versions = "SELECT id, price, valid_from_at, ifnull(valid_until_at, '-') FROM offers"
    #expect(try world.rows(versions) == ["1|1|0|20000", "2|2|20000|-"])

    world.offers = try world.ledger.apply(
      offers: [World.entry("live", price: 2)], nowMs: 30_000, firstFromMs: -50_000)
    #expect(try world.rows(versions) == ["1|1|-50000|20000", "2|2|20000|-"])
    try world.record(World.payment(1, 1000, for: "janedoe", checkpoint: -40))
    #expect(try world.bought() == ["janedoe|-40000|-39000", "johndoe|25000|27000"])

    // Later or the same changes nothing; earlier still goes.
    for fromMs: Int64 in [-50_000, 0, 40_000] {
      let same = try world.ledger.apply(
        offers: [World.entry("live", price: 2)], nowMs: 31_000, firstFromMs: fromMs)
      #expect(same == world.offers)
    }
    _ = try world.ledger.apply(
      offers: [World.entry("live", price: 2)], nowMs: 32_000, firstFromMs: -60_000)
    #expect(try world.rows(versions) == ["1|1|-60000|20000", "2|2|20000|-"])
  }

  @Test func `is refused where payments of that time were counted already`() throws {
    let world = try World(entries())
    try world.record(World.payment(1, 1000, checkpoint: -40))
    let unclaimed = "SELECT state FROM payments"
    #expect(try world.rows(unclaimed) == ["unclaimed"])
    let error = #expect(throws: LedgerError.self) {
      try world.ledger.apply(offers: entries(), nowMs: 2000, firstFromMs: -50_000)
    }
    #expect(error?.code == .invalid)
    #expect(
      error?.reason.contains(
        "'since' cannot move back before payments that were counted already, the last at "
          + "1969-12-31T23:59:20Z") == true)
    #expect(try world.ledger.storedOffers().map(\.offer.validFromMs) == [0])
    // After them it may.
    let history = try world.ledger.apply(offers: entries(), nowMs: 2000, firstFromMs: -39_000)
    #expect(history.versions.map(\.validFromMs) == [-39_000])
  }
}

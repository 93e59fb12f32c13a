import Foundation
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Access for a payment that is executed, but in no checkpoint yet.
struct ProvisionalTests {
  private let terms = Ledger.Terms(provisionalMs: 2000)
  private let johndoe = Array("johndoe".utf8)
  private let note = "provisional: the payment is in no checkpoint yet"

  private func pending(_ amount: Nanos = 5000, isVerified: Bool = true) -> Payment {
    World.payment(5, amount, isPending: true, isVerified: isVerified)
  }

  @Test func `a pending payment gives access for a while, once`() throws {
    let world = try World()
    let recorded = try world.record([pending()], nowMs: 5100, terms)
    #expect(recorded.accounts == [johndoe])
    #expect(recorded.outcomes.first?.provisional == Span(startsAtMs: 5100, endsAtMs: 7100))
    #expect(try world.given() == ["granted|5100|7100|\(note)"])
    #expect(
      try world.ledger.access(of: johndoe, nowMs: 5100).map(\.span)
        == [Span(startsAtMs: 5100, endsAtMs: 7100)])
    #expect(try world.bought().isEmpty)
    for nowMs: Int64 in [5200, 9000] {
      #expect(try world.record([pending()], nowMs: nowMs, terms).outcomes.isEmpty)
    }
    #expect(try world.given().count == 1)
  }

  @Test func `not again after a restart`() throws {
    let scratch = try Scratch()
    for nowMs: Int64 in [5100, 6000, 9000] {
      let world = try World(in: scratch)
      try world.record([pending()], nowMs: nowMs, terms)
      #expect(try world.given() == ["granted|5100|7100|\(note)"])
      world.ledger.close()
    }
  }

  @Test func `what is bought takes its place`() throws {
    let world = try World()
    try world.record([pending()], nowMs: 5100, terms)
    let recorded = try world.record([World.payment(5, 5000)], nowMs: 5600, terms)
    #expect(recorded.accounts == [johndoe])
    #expect(try world.given() == ["granted|5100|5600|\(note)"])
    #expect(try world.bought() == ["johndoe|5000|10000"])
    #expect(try world.record([pending()], nowMs: 5700, terms).outcomes.isEmpty)
  }

  @Test func `there is no gap where the checkpoint is later than the clock`() throws {
    let world = try World()
    try world.record([pending()], nowMs: 4700, terms)
    try world.record([World.payment(5, 5000)], nowMs: 4800, terms)
    #expect(
      try world.ledger.access(of: johndoe, nowMs: 4700).map(\.span)
        == [Span(startsAtMs: 4700, endsAtMs: 10_000)])
  }

  @Test func `what turns out to be no payment, or another's, is taken back at once`() throws {
    let world = try World()
    try world.record([pending()], nowMs: 5100, terms)
    var failed = World.payment(5, 0)
    failed.rejection = "the transaction failed"
    let recorded = try world.record([failed], nowMs: 5600, terms)
    #expect(recorded.accounts == [johndoe])
    #expect(try world.ledger.access(of: johndoe, nowMs: 5600).isEmpty)
  }

  @Test func `no more than the payment would buy`() throws {
    let world = try World()
    try world.record([pending(700)], nowMs: 5100, terms)
    #expect(try world.given() == ["granted|5100|5800|\(note)"])
  }

  @Test func `nothing for too little, an unverified sender, nobody, or where it is off`() throws {
    for payment in [
      pending(9), pending(isVerified: false), World.payment(5, 500, for: "a/b", isPending: true),
    ] {
      let world = try World()
      #expect(try world.record([payment], nowMs: 5100, terms).accounts.isEmpty)
      #expect(try world.given().isEmpty)
    }
    let world = try World()
    try world.record([pending()], nowMs: 5100)
    try world.record([pending()], nowMs: 5100, terms)
    #expect(try world.given().isEmpty)
    // Credit counts.
    let other = try World()
    try other.record([World.payment(1, 5)], nowMs: 1100, terms)
    try other.record([pending(9)], nowMs: 5100, terms)
    #expect(try other.given() == ["granted|5100|5114|\(note)"])
  }

  @Test func `nothing for what moves nothing, though new terms make credit worth time`() throws {
    var world = try World([World.entry("live", minimumMs: 100)])
    try world.record([World.payment(1, 50)], nowMs: 1100, terms)
    world.offers = try world.ledger.apply(
      offers: [World.entry("live", minimumMs: 10)], nowMs: 2000, firstFromMs: 0)
    try world.record([pending(0)], nowMs: 5100, terms)
    #expect(try world.given().isEmpty)
    try world.record([World.payment(6, 1, isPending: true)], nowMs: 6100, terms)
    #expect(try world.given() == ["granted|6100|6151|\(note)"])
  }

  @Test func `what was provisional is not made good`() throws {
    let world = try World()
    let terms = Ledger.Terms(makesGood: true, provisionalMs: 8000)
    try world.record([pending(20_000)], nowMs: 6000, terms)
    try world.record([World.payment(5, 20_000)], nowMs: 25_000, terms)
    #expect(
      try world.rows("SELECT starts_at, ends_at FROM grants WHERE kind = 'made_good'")
        == ["25000|37000"])
  }
}

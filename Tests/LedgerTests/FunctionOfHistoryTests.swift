import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// The bought part of the ledger is a function of history: whatever order, pages, repetitions, late
/// arrivals, pending states, crashes and restarts there were, and on every broker.
@Suite(.timeLimit(.minutes(5))) struct FunctionOfHistoryTests {
  private static let terms = [
    PlainFold.Terms(name: "live", price: 1, minimumMs: 10, fromMs: 0),
    PlainFold.Terms(name: "live", price: 3, minimumMs: 2, fromMs: 8000),
    PlainFold.Terms(name: "live", price: 2, minimumMs: 1, fromMs: 15_000),
    PlainFold.Terms(name: "other", price: 7, minimumMs: 1, fromMs: 0),
  ]

  @Test(arguments: 0..<40) func `random histories, through one broker or three`(round: Int) throws {
    let seed = testSeed() &+ UInt64(round)
    var random = SplitMix64(seed: seed)
    let history = (0..<Int.random(in: 1...40, using: &random)).map { number in
      Self.payment(number, &random)
    }
    let expected = PlainFold(history, Self.terms)
    for _ in 0..<(Bool.random(using: &random) ? 1 : 3) {
      var broker = try SimulatedBroker(Self.terms, random: SplitMix64(seed: random.next()))
      try broker.live(through: history)
      #expect(try broker.payments() == expected.payments, "SEED=\(seed)")
      #expect(try broker.credits() == expected.credits, "SEED=\(seed)")
      #expect(try broker.bought() == expected.bought, "SEED=\(seed)")
      #expect(try broker.logins() == expected.logins, "SEED=\(seed)")
      #expect(broker.faults.isEmpty, "SEED=\(seed)")
    }
  }

  /// Anything that may touch the seller's address.
  private static func payment(_ number: Int, _ random: inout SplitMix64) -> Payment {
    let usernames: [String?] = [
      "a", "b", "caf\u{E9}", "cafe\u{301}", "buyer:a", "a/b",
      "0x" + String(repeating: "1", count: 64), nil, nil,
    ]
    let username = usernames.randomElement(using: &random) ?? nil
    let offer = [nil, nil, "live", "other", "none"].randomElement(using: &random) ?? nil
    let sequence = Int64.random(in: 1...25, using: &random)
    var content: Memo.Content =
      username.map { .plain(username: Array($0.utf8), offer: offer.map { Array($0.utf8) }) }
      ?? [.none, .sealed([1, 2, 3])].randomElement(using: &random) ?? .none
    if Int.random(in: 0..<3, using: &random) == 0 {
      let name = ["a", "b", "caf\u{E9}", "cafe\u{301}"].randomElement(using: &random) ?? "a"
      let password = ["x", "y"].randomElement(using: &random) ?? "x"
      content = .sealed(PlainSeal.seal(name, password, offer: offer))
    }
    if Int.random(in: 0..<20, using: &random) == 0 { content = .contradictory("two memos") }
    let limit: Nanos = [12, 12, 3000, 40_000, .max].randomElement(using: &random) ?? 12
    var payment = Payment(
      digest: Digest(
        Bytes32((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }) ?? .zero),
      payer: Int.random(in: 0..<8, using: &random) == 0
        ? nil : Address(bytes: Array(repeating: UInt8(number % 3), count: 32)),
      isPayerVerified: Bool.random(using: &random),
      amount: Nanos.random(in: 1...limit, using: &random), memo: Memo(content: content, text: nil),
      checkpoint: Checkpoint(sequence: sequence, timeMs: sequence * 1000))
    if Int.random(in: 0..<8, using: &random) == 0 {
      payment.amount = 0
      payment.rejection = ["the seller's own transaction", "no IOTA moved to the seller"]
        .randomElement(using: &random)
    }
    return payment
  }

  @Test func `small worlds, in every order and all ways to cut them into pages`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let world = try SmallWorld(Self.terms)
    for round in 0..<14 {
      let count = round < 6 ? round / 2 + 1 : 4
      let payments = (0..<count).map { number in
        var payment = World.payment(
          UInt8(number + 1), [4, 9, 30, 3000, .max].randomElement(using: &random) ?? 4, for: "a",
          checkpoint: [1, 1, 2, 7, 8, 16].randomElement(using: &random))
        if number == 3, Bool.random(using: &random) { payment.memo = .none }
        if round % 2 == 1 {
          let password = ["x", "y"].randomElement(using: &random) ?? "x"
          payment.memo.content = .sealed(PlainSeal.seal("n", password))
        }
        return payment
      }
      let expected = PlainFold(payments, Self.terms)
      for order in Self.orders(of: payments) {
        for cuts in 0..<(1 << (count - 1)) {
          try world.reset()
          for page in Self.pages(order, cuts) { try world.record(page) }
          #expect(
            try world.rows() == expected.bought + expected.credits + expected.logins,
            "SEED=\(seed): \(order.map(\.digest)), cut \(cuts)")
        }
      }
    }
  }

  private static func orders<Element>(of elements: [Element]) -> [[Element]] {
    guard elements.count > 1 else { return [elements] }
    return elements.indices.flatMap { index in
      var rest = elements
      let first = rest.remove(at: index)
      return orders(of: rest).map { [first] + $0 }
    }
  }

  /// Cuts after each element whose bit is set.
  private static func pages<Element>(_ elements: [Element], _ cuts: Int) -> [[Element]] {
    var pages: [[Element]] = [[]]
    for (index, element) in elements.enumerated() {
      pages[pages.count - 1].append(element)
      if cuts >> index & 1 == 1, index + 1 < elements.count { pages.append([]) }
    }
    return pages
  }
}

/// A ledger that is emptied instead of made anew, which is much faster.
private struct SmallWorld {
  private let scratch: Scratch
  private let ledger: Ledger
  private let offers: OfferHistory

  init(_ terms: [PlainFold.Terms]) throws {
    scratch = try Scratch()
    ledger = try Ledger(path: scratch.path("ledger.db"), nowMs: 0)
    offers = try ledger.apply(
      offers: SimulatedBroker.entries(terms), nowMs: 0, firstFromMs: 0)
    try ledger.read { try $0.execute(sql: "PRAGMA synchronous = OFF") }
  }

  func reset() throws {
    try ledger.write { db in
      for table in ["claims", "payments", "accounts", "credits", "grants", "sync"] {
        try db.execute(sql: "DELETE FROM \(table)")
      }
    }
  }

  func record(_ payments: [Payment]) throws {
    _ = try ledger.record(
      PaymentPage(payments: payments, position: ReadingPosition(checkpoint: nil, sinceMs: 0)),
      network: "n", address: World.address, offers: offers,
      terms: Ledger.Terms(makesGood: true), nowMs: 12_000, open: PlainSeal.open)
  }

  func rows() throws -> [String] {
    try SimulatedBroker.bought(ledger) + SimulatedBroker.credits(ledger)
      + SimulatedBroker.logins(ledger)
  }
}

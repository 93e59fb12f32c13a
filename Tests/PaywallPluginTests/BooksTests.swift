import Access
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Configuration
@testable import Ledger
@testable import PaywallPlugin

/// The books that the watcher keeps, by a clock of the test's own.
struct BooksTests {
  private final class Clock: BooksClock {
    var monotonicMs: Int64
    let offsetMs: Int64 = 0
    let isSynchronized = true

    init(_ monotonicMs: Int64) { self.monotonicMs = monotonicMs }

    func take(past checkpoint: Checkpoint) {}
  }

  private let scratch = try? Scratch()

  private func books(_ clock: Clock) throws -> Books {
    let path = try #require(scratch).path("ledger.db")
    let ledger = try Ledger(path: path, nowMs: clock.monotonicMs)
    let name = try #require(Name("live"))
    let topic = try #require(TopicFilter("sensor/live"))
    let terms = Offer(name: name, topics: [topic], price: 1, perMs: 1, validFromMs: 0)
    let configuration = PaywallConfiguration(
      ledger: path, secretFile: "", realm: "r",
      tangle: .init(
        protocol: .rebasedJSONRPC, nodes: [], network: "n", address: Address(.zero), pollMs: 500,
        agree: 1, sinceMs: 0),
      access: .init(
        free: [], isSubscribeStrict: false, makesGood: true, provisionalMs: 0),
      metrics: .init(intervalMs: 0), offers: [OfferEntry(terms: terms, fromMs: nil)], accounts: [])
    let (changes, log) = (ChangeQueue(), LogQueue())
    return try Books(
      ledger: ledger, configuration, view: AccessView(ledger: ledger, changes: changes, log: log),
      logins: LoginView(ledger: ledger, changes: changes, log: log), clock: clock)
  }

  private func page(_ checkpoint: Checkpoint?) -> PaymentPage {
    let memo = Memo(content: .plain(username: Array("johndoe".utf8), offer: nil), text: nil)
    let payment = Payment(
      digest: Digest(.zero), payer: nil, amount: 500_000, memo: memo, checkpoint: checkpoint)
    return PaymentPage(
      payments: [payment], position: ReadingPosition(checkpoint: nil, sinceMs: 0))
  }

  /// A run of the broker that sees a payment before it is final.
  private func beginPending(_ clock: Clock) throws {
    var books = try books(clock)
    defer { books.ledger.close() }
    try books.endOutage { _ in }
    clock.monotonicMs = 5000
    _ = try books.record(page(nil), open: { _ in nil }, ended: { _ in })
    clock.monotonicMs = 10_000
    try books.noteAlive()
  }

  @Test func `a payment that was pending when the broker went down is made good once`() throws {
    let clock = Clock(1000)
    try beginPending(clock)
    clock.monotonicMs = 100_000
    var books = try books(clock)
    let admin = try DatabaseQueue(path: try #require(scratch).path("ledger.db"))
    try admin.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(throws: LedgerError.self) { try books.endOutage { _ in } }
      try db.execute(sql: "ROLLBACK")
    }
    let recorded = try books.record(
      page(Checkpoint(sequence: 6, timeMs: 6000)), open: { _ in nil }, ended: { _ in })
    #expect(recorded.outcomes.first?.bought == Span(startsAtMs: 6000, endsAtMs: 506_000))
    try books.endOutage { _ in }
    let givenMs = try books.ledger.read { db in
      try Int64.fetchOne(
        db, sql: "SELECT sum(ends_at - starts_at) FROM grants WHERE kind = 'made_good'")
    }
    #expect(givenMs == 94_000)
  }
}

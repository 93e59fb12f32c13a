import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A small world: one address, offers, and payments by their numbers.
struct World {
  static let address = Address(Bytes32.zero)
  static let payer = Address(bytes: Array(repeating: 7, count: 32))

  let scratch: Scratch
  let ledger: Ledger
  var offers: OfferHistory

  static func entry(_ name: String, price: Nanos = 1, minimumMs: Int64 = 1) throws -> OfferEntry {
    let terms = Offer(
      name: try #require(Name(name)), topics: [try #require(TopicFilter("sensor/\(name)"))],
      price: price, perMs: 1, minimumMs: minimumMs, validFromMs: 0)
    return OfferEntry(terms: terms, fromMs: nil)
  }

  /// A world of its own folder, or one that was left as it is in a folder.
  init(_ entries: [OfferEntry]? = nil, in scratch: Scratch? = nil) throws {
    self.scratch = try scratch ?? Scratch()
    ledger = try Ledger(path: self.scratch.path("ledger.db"), nowMs: 1000)
    let entries = try entries ?? [World.entry("live", minimumMs: 10), World.entry("other")]
    offers = try ledger.apply(offers: entries, nowMs: 1000, firstFromMs: 0)
  }

  /// Payment number `number`, in a checkpoint of its own unless one is given.
  static func payment(
    _ number: UInt8, _ amount: Nanos, for username: String? = "johndoe", offer: String? = nil,
    checkpoint: Int64? = nil, isPending: Bool = false, isVerified: Bool = true
  ) -> Payment {
    let content: Memo.Content =
      username.map { .plain(username: Array($0.utf8), offer: offer.map { Array($0.utf8) }) }
      ?? .none
    let sequence = checkpoint ?? Int64(number)
    return Payment(
      digest: digest(number), payer: payer, isPayerVerified: isVerified, amount: amount,
      memo: Memo(content: content, text: username.map { "{\"username\":\"\($0)\"}" }),
      checkpoint: isPending ? nil : Checkpoint(sequence: sequence, timeMs: sequence * 1000))
  }

  static func digest(_ number: UInt8) -> Digest {
    Digest(Bytes32([number] + Array(repeating: 1, count: 31)) ?? .zero)
  }

  @discardableResult
  func record(_ payments: Payment...) throws -> Ledger.Recorded {
    try record(payments)
  }

  @discardableResult
  func record(
    _ payments: [Payment], nowMs: Int64 = 5000, _ terms: Ledger.Terms = Ledger.Terms(),
    open: @escaping ([UInt8]) -> BuyerClaim? = { _ in nil }
  ) throws -> Ledger.Recorded {
    let position = ReadingPosition(
      checkpoint: payments.compactMap { $0.checkpoint?.sequence }.max(), sinceMs: 0)
    return try ledger.record(
      PaymentPage(payments: payments, position: position), network: "n", address: World.address,
      offers: offers, terms: terms, nowMs: nowMs, open: open)
  }

  /// The rows of a query, columns separated by `|`, as `sqlite3` shows them.
  func rows(_ sql: String) throws -> [String] {
    try ledger.read { db in
      try Row.fetchAll(db, sql: sql).map { row in
        row.databaseValues.map { $0.isNull ? "" : "\($0.storage.value ?? "")" }
          .joined(separator: "|")
      }
    }
  }

  /// What was given beside what was bought.
  func given() throws -> [String] {
    try rows(
      """
      SELECT kind, starts_at, ends_at, ifnull(note, '') FROM grants WHERE kind <> 'bought'
      ORDER BY starts_at
      """)
  }

  func bought() throws -> [String] {
    try rows(
      "SELECT account, starts_at, ends_at FROM grants WHERE kind = 'bought' ORDER BY starts_at")
  }
}

extension Ledger {
  /// The access of an account, without rows that make no sense.
  func access(of account: Username, nowMs: Int64) throws -> [Access] {
    try access(of: account, endingAfterMs: nowMs).access
  }

  /// The access of everybody.
  func access(nowMs: Int64) throws -> [Username: [Access]] {
    var all: [Username: [Access]] = [:]
    _ = try forEachAccess(endingAfterMs: nowMs) { account, access in
      // Each account comes once.
      #expect(all.updateValue(access, forKey: account) == nil)
    }
    return all
  }
}

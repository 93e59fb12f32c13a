import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A ledger that version 3 made, which knew no assigned payments, as `.dump` of `sqlite3` writes it.
struct Version3MigrationTests {
  private let scratch: Scratch
  private let path: String
  private static let unclaimed = [
    "4FrX7cLdyBfCvDJWr6aTAAcPBeqmvNL3LCk7zKWdvYBd", "CkbWLXpUGGyyeWs86LPhgK9aM3hEYG8aexo3j6znstYY",
  ]

  init() throws {
    scratch = try Scratch()
    path = scratch.path("ledger.db")
    try MigrationTests.make(path, version: 3)
  }

  private func rows(_ db: Database) throws -> [[Row]] {
    try ["payments", "accounts", "claims", "credits", "grants", "offers", "sync"].map {
      try Row.fetchAll(db, sql: "SELECT * FROM \($0) ORDER BY 1")
    }
  }

  private func shown(_ db: Database) throws -> [String] {
    try String.fetchAll(db, sql: "SELECT digest FROM unclaimed_payments ORDER BY digest")
  }

  /// The statements of all views.
  private func views(_ db: Database) throws -> [String: String] {
    try Schema.objects(db, areViewsIncluded: true).filter { $0.key.hasPrefix("view ") }
  }

  @Test func `it opens, all is there, and its views are those of a new ledger, twice`() throws {
    let before = try DatabaseQueue(path: path).read(rows)
    #expect(before.map(\.count) == [9, 5, 1, 1, 8, 2, 1])
    let new = try World()
    let expected = try new.ledger.read(views)
    #expect(expected.count == 4)
    for _ in 0..<2 {
      let ledger = try Ledger(path: path, nowMs: 1_795_700_000_000)
      #expect(try ledger.read(rows) == before)
      #expect(try ledger.read(views) == expected)
      #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 5)
      ledger.close()
    }
  }

  @Test func `an assigned payment is unclaimed no more, and one with provisional access is`() throws
  {
    let ledger = try Ledger(path: path, nowMs: 1_795_700_000_000)
    #expect(try ledger.read(shown) == Self.unclaimed)
    _ = try AdminLedger(path: path).assign(
      Self.unclaimed[0], to: try #require(Account(username: "tim")), offer: nil, note: nil,
      nowMs: 1_795_700_000_000)
    #expect(try ledger.read(shown) == [Self.unclaimed[1]])
    let tim = try ledger.access(of: Array("tim".utf8), nowMs: 1_795_700_000_000)
    // 700,000 NANOS of 'history', of which 500,000 buy half an hour.
    #expect(tim.map(\.span.endsAtMs) == [1_795_702_520_000])
  }

  @Test func `a view that the admin has dropped comes back, and a table in its place is refused`()
    throws
  {
    try DatabaseQueue(path: path).write { try $0.execute(sql: "DROP VIEW unclaimed_payments") }
    let ledger = try Ledger(path: path, nowMs: 0)
    #expect(try ledger.read(shown) == Self.unclaimed)
    ledger.close()
    let other = scratch.path("other.db")
    try MigrationTests.make(other, version: 3)
    try DatabaseQueue(path: other).write {
      try $0.execute(sql: "DROP VIEW unclaimed_payments; CREATE TABLE unclaimed_payments (x)")
    }
    let error = #expect(throws: LedgerError.self) { try Ledger(path: other, nowMs: 0) }
    #expect(error?.code == .corrupt)
    #expect(error?.reason == "it is not as version 3 made it; restore a backup")
    #expect(
      try DatabaseQueue(path: other).read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 3)
  }

  @Test func `who only reads is told to let the broker bring it up to date, and changes nothing`()
    throws
  {
    let before = try Data(contentsOf: URL(filePath: path))
    let error = #expect(throws: LedgerError.self) { try LedgerReader(path: path) }
    #expect(error?.code == .older)
    #expect(
      error?.reason
        == "an older version made it (schema 3, this one reads 5); start the broker with "
        + "the plugin of this version, which brings it up to date")
    #expect(try LedgerReader(path: path, versions: .olderToo).paymentCount().count == 9)
    #expect(try Data(contentsOf: URL(filePath: path)) == before)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.url.path) == ["ledger.db"])
    #expect(throws: LedgerError.self) {
      try AdminLedger(path: path).assign(
        Self.unclaimed[0], to: .broker(try #require(Name("tim"))), offer: nil, note: nil, nowMs: 0)
    }
  }
}

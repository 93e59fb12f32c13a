import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A ledger that version 2 made, which knew no claims, as `.dump` of `sqlite3` writes it.
struct Version2MigrationTests {
  private let scratch: Scratch
  private let path: String

  init() throws {
    scratch = try Scratch()
    path = scratch.path("ledger.db")
    try MigrationTests.make(path, version: 2)
  }

  private func rows(_ db: Database) throws -> [[Row]] {
    try ["payments", "accounts", "credits", "grants", "offers", "sync"].map {
      try Row.fetchAll(db, sql: "SELECT * FROM \($0) ORDER BY 1")
    }
  }

  /// A payment of 500,000 NANOS that claims `jane`.
  private func claim(_ number: UInt8) -> Payment {
    Payment(
      digest: World.digest(number), payer: World.payer, amount: 500_000,
      memo: Memo(content: .sealed([number]), text: nil),
      checkpoint: Checkpoint(sequence: 100, timeMs: 1_795_693_110_000))
  }

  @Test func `it opens, and all is there, twice`() throws {
    let before = try DatabaseQueue(path: path).read(rows)
    #expect(before.map(\.count) == [7, 4, 1, 6, 2, 1])
    for _ in 0..<2 {
      let ledger = try Ledger(path: path, nowMs: 1_795_700_000_000)
      #expect(try ledger.read(rows) == before)
      #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 5)
      #expect(try ledger.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM claims") } == 0)
      #expect(try ledger.forEachLogin { name, _ in Issue.record("\(name) may log in") }.isEmpty)
      ledger.close()
    }
  }

  @Test func `a name that was paid for by plain memos can be claimed, once`() throws {
    let ledger = try Ledger(path: path, nowMs: 1_795_700_000_000)
    let offers = OfferHistory(versions: try ledger.storedOffers().map(\.offer))
    let jane = try #require(Name("jane"))
    let hashes = try [UInt8(1), 2].map { try #require(Bytes32(Array(repeating: $0, count: 32))) }
    let recorded = try ledger.record(
      PaymentPage(
        payments: [claim(2), claim(1)],
        position: ReadingPosition(checkpoint: nil, sinceMs: 0)),
      network: "n", address: World.address, offers: offers, nowMs: 1_795_693_110_000,
      open: { memo in
        memo.first == 1
          ? BuyerClaim(name: jane, passwordHash: hashes[0])
          : BuyerClaim(name: jane, passwordHash: hashes[1])
      })
    var logins: [Bytes32] = []
    _ = try ledger.forEachLogin { _, hash in logins.append(hash) }
    #expect(logins == [hashes[0]])
    let ends = try ledger.read { db in
      try Int64.fetchAll(
        db, sql: "SELECT ends_at FROM grants WHERE account = 'buyer:jane' ORDER BY ends_at")
    }
    // An hour by the plain memo, and an hour by the claim.
    #expect(ends == [1_795_696_709_129, 1_795_700_309_129])
    let accounts = recorded.outcomes.map { outcome -> Account? in
      if case .claimed(let account, _)? = outcome.assignment { account } else { nil }
    }
    #expect(accounts == [.wallet(try #require(World.payer)), .buyer(jane)])
  }

  @Test func `passwords that somebody writes are noticed from now on`() throws {
    let ledger = try Ledger(path: path, nowMs: 0)
    try DatabaseQueue(path: path).write { db in
      try db.execute(sql: "UPDATE accounts SET password_hash = NULL WHERE kind = 'buyer'")
    }
    #expect(try ledger.takeChanges().areLogins)
  }

  @Test func `one that is not as it was made is refused, and stays as it is`() throws {
    for change in ["DROP INDEX grants_made_good", "DROP TRIGGER grants_inserted"] {
      let copy = scratch.path("copy.db")
      try DatabaseQueue(path: path).inDatabase { db in
        try db.execute(sql: "VACUUM INTO ?", arguments: [copy])
      }
      try DatabaseQueue(path: copy).write { try $0.execute(sql: change) }
      let error = #expect(throws: LedgerError.self) { try Ledger(path: copy, nowMs: 0) }
      #expect(error?.code == .corrupt)
      let version = try DatabaseQueue(path: copy).read { db in
        #expect(try !db.tableExists("claims"))
        return try Int.fetchOne(db, sql: "PRAGMA user_version")
      }
      #expect(version == 2)
      try FileManager.default.removeItem(atPath: copy)
    }
  }
}

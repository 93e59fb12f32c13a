import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A ledger that version 4 made, which tested columns by `IN`, as `.dump` of `sqlite3` writes it.
struct Version4MigrationTests {
  private let scratch: Scratch
  private let path: String

  init() throws {
    scratch = try Scratch()
    path = scratch.path("ledger.db")
    try MigrationTests.make(path, version: 4)
  }

  /// All rows of all tables of the ledger's own, with their numbers; but not when it was opened last.
  private func rows(_ db: Database) throws -> [[Row]] {
    try [
      "payments", "accounts", "claims", "credits", "grants", "offers", "changes", "sync",
      "meta WHERE key <> 'opened_at'",
    ].map { try Row.fetchAll(db, sql: "SELECT rowid, * FROM \($0) ORDER BY 1") }
  }

  private func objects(_ db: Database) throws -> [String: String] {
    try Schema.objects(db, areViewsIncluded: true)
  }

  private func schemaVersion(_ path: String) throws -> Int? {
    try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
  }

  @Test func `it opens, all is there under the same numbers, and it is made as a new one, twice`()
    throws
  {
    // Numbers that a copy of the rows would not keep.
    try DatabaseQueue(path: path).write { db in
      try db.execute(sql: "UPDATE payments SET rowid = rowid + 100 WHERE state = 'confirmed'")
    }
    let before = try DatabaseQueue(path: path).read(rows)
    #expect(before.map(\.count) == [10, 5, 1, 1, 10, 2, 1, 2, 4])
    let expected = try World().ledger.read(objects)
    #expect(try DatabaseQueue(path: path).read(objects).keys == expected.keys)
    for _ in 0..<2 {
      let ledger = try Ledger(path: path, nowMs: 1_795_700_001_000)
      #expect(try ledger.read(rows) == before)
      #expect(try ledger.read(objects) == expected)
      #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 5)
      #expect(try ledger.read { try Bool.fetchOne($0, sql: "PRAGMA writable_schema") } == false)
      let findings = try ledger.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
      #expect(findings == ["ok"])
      ledger.close()
    }
  }

  @Test func `it goes on, and a shell that was open meanwhile finds it changed`() throws {
    let shell = try DatabaseQueue(path: path)
    #expect(try shell.read(objects)["table payments"]?.contains("state IN (") == true)
    let ledger = try Ledger(path: path, nowMs: 1_795_700_001_000)
    let offers = OfferHistory(versions: try ledger.storedOffers().map(\.offer))
    _ = try ledger.record(
      PaymentPage(
        payments: [World.payment(1, 500_000, checkpoint: 1_795_700_001)],
        position: ReadingPosition(checkpoint: 301, sinceMs: 0)),
      network: "n", address: World.address, offers: offers, nowMs: 1_795_700_002_000)
    #expect(try shell.read(objects)["table payments"]?.contains("state = 'pending'") == true)
    try shell.read { db in
      // The pending payment is confirmed, its provisional access over, and an hour bought.
      let grants = try String.fetchAll(
        db,
        sql: """
          SELECT kind || ' ' || (ends_at - starts_at) FROM grants
          WHERE payment = '\(World.digest(1))' ORDER BY id
          """)
      #expect(grants == ["granted 1500", "bought 3600000"])
    }
    try shell.write { try $0.execute(sql: "DELETE FROM grants WHERE id = 4") }
    #expect(try ledger.takeChanges().accounts.contains(Array("friend".utf8)))
    #expect(throws: DatabaseError.self) {
      try shell.write { try $0.execute(sql: "DELETE FROM payments") }
    }
  }

  @Test func `one that was altered is refused, and stays as it is`() throws {
    for change in [
      "ALTER TABLE payments ADD COLUMN comment TEXT", "DROP TRIGGER payments_stay",
      "DROP INDEX payments_by_time", "ALTER TABLE grants RENAME COLUMN note TO remark",
    ] {
      let copy = scratch.path("copy.db")
      try DatabaseQueue(path: path).inDatabase { db in
        try db.execute(sql: "VACUUM INTO ?", arguments: [copy])
      }
      try DatabaseQueue(path: copy).write { db in
        try db.execute(sql: "DROP VIEW access_log; DROP VIEW unclaimed_payments; \(change)")
      }
      let before = try DatabaseQueue(path: copy).read(objects)
      let error = #expect(throws: LedgerError.self) { try Ledger(path: copy, nowMs: 0) }
      #expect(error?.code == .corrupt)
      #expect(error?.reason.contains("restore a backup") == true)
      #expect(try DatabaseQueue(path: copy).read(objects) == before)
      #expect(try schemaVersion(copy) == 4)
      try FileManager.default.removeItem(atPath: copy)
    }
  }

  @Test func `a broker that is killed in the middle leaves the old one, which opens next time`()
    throws
  {
    let copy = scratch.path("copy.db")
    let queue = try DatabaseQueue(path: path)
    let before = try queue.read(rows)
    try queue.inDatabase { db in
      // Pages are written before the transaction ends, as where memory is short.
      try db.execute(sql: "PRAGMA cache_size = 1; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE")
      defer { try? db.execute(sql: "ROLLBACK") }
      try Schema.migrate(db, from: 4, path: path)
      try db.execute(sql: "UPDATE grants SET note = note; UPDATE payments SET memo = memo")
      for end in ["", "-wal"] {
        try FileManager.default.copyItem(atPath: path + end, toPath: copy + end)
      }
    }
    let wal = try Data(contentsOf: URL(filePath: copy + "-wal"))
    #expect(wal.range(of: Data("kind = 'made_good' OR".utf8)) != nil)
    #expect(try schemaVersion(copy) == 4)
    let ledger = try Ledger(path: copy, nowMs: 0)
    #expect(try ledger.read(rows) == before)
    #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 5)
  }

  @Test func `who only reads is told to let the broker bring it up to date`() throws {
    let error = #expect(throws: LedgerError.self) { try LedgerReader(path: path) }
    #expect(error?.code == .older)
    #expect(
      error?.reason
        == "an older version made it (schema 4, this one reads 5); start the broker with "
        + "the plugin of this version, which brings it up to date")
    #expect(try LedgerInspection(path: path).schema() == 4)
  }
}

import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A damaged file stops the broker when it starts, with a reason.
struct DamageTests {
  /// A ledger of a few hundred pages, closed.
  private func ledger(_ scratch: Scratch, grants: Int = 3000) throws -> String {
    let path = scratch.path("ledger.db")
    let ledger = try Ledger(path: path, nowMs: 0)
    _ = try ledger.apply(offers: [World.entry("live")], nowMs: 0, firstFromMs: 0)
    try ledger.write { db in
      try db.execute(
        sql: """
          WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
          INSERT INTO grants (account, offer, kind, starts_at, ends_at, note)
          SELECT 'user-' || i, 'live', 'granted', 0, 9000 + i, hex(zeroblob(100)) FROM n
          """, arguments: [grants])
    }
    try ledger.checkpoint()
    ledger.close()
    return path
  }

  /// Opens a ledger and reads what the broker reads before it serves.
  private func open(_ path: String) throws -> Int {
    let ledger = try Ledger(path: path, nowMs: 0)
    _ = try ledger.soldOffers(nowMs: 0)
    var count = 0
    _ = try ledger.forEachAccess(endingAfterMs: 0) { _, _ in count += 1 }
    return count
  }

  private func overwrite(_ path: String, at offset: Int, count: Int) throws {
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: Data(repeating: 0xA5, count: count))
    try file.close()
  }

  private func refusal(_ change: (String) throws -> Void) throws -> LedgerError {
    let scratch = try Scratch()
    let path = try ledger(scratch)
    try change(path)
    let error = try #require(throws: LedgerError.self) { _ = try open(path) }
    #expect(error.description.hasPrefix("ledger \(path): "))
    return error
  }

  @Test func `a good one opens`() throws {
    let scratch = try Scratch()
    #expect(try open(ledger(scratch)) == 3000)
  }

  @Test func `a wrong header`() throws {
    #expect(try refusal { try overwrite($0, at: 0, count: 100) }.code == .corrupt)
  }

  @Test func `a file that was cut`() throws {
    for part in [1, 2, 3] {
      let error = try refusal { path in
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        let size = try file.seekToEnd()
        try file.truncate(atOffset: size * UInt64(part) / 4 / 4096 * 4096)
        try file.close()
      }
      #expect(error.code == .corrupt, "\(part)")
    }
  }

  @Test func `a schema that is not ours`() throws {
    for (sql, name) in [
      ("DROP TABLE sync", "table sync is missing"), ("DROP INDEX grants_by_end", "grants_by_end"),
      ("DROP TRIGGER grants_inserted", "trigger grants_inserted is missing"),
      ("ALTER TABLE payments ADD COLUMN mine TEXT", "table payments is not as it was made"),
    ] {
      let error = try refusal { path in
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
      }
      #expect(error.description.contains(name), "\(error)")
    }
  }

  @Test func `tables and views of an admin's own are none of our business`() throws {
    let scratch = try Scratch()
    let path = try ledger(scratch)
    try DatabaseQueue(path: path).write { db in
      try db.execute(sql: "CREATE TABLE mine (x); DROP VIEW access_log; CREATE INDEX i ON mine (x)")
    }
    #expect(try open(path) == 3000)
  }

  @Test func `any page that access is read from`() throws {
    let scratch = try Scratch()
    let path = try ledger(scratch)
    let pages = try DatabaseQueue(path: path).read { db in
      try Int64.fetchAll(
        db,
        sql: "SELECT rootpage FROM sqlite_schema WHERE name IN ('grants', 'grants_by_end')")
    }
    for page in pages {
      let error = try refusal { try overwrite($0, at: Int(page - 1) * 4096, count: 200) }
      #expect(error.code == .corrupt, "page \(page)")
    }
  }

  @Test func `random damage never crashes`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let scratch = try Scratch()
    let good = try Data(contentsOf: URL(fileURLWithPath: ledger(scratch, grants: 300)))
    var refused = 0
    for number in 0..<60 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let start = Int.random(in: 0..<bytes.count, using: &random)
        for index in start..<min(start + Int.random(in: 1...64, using: &random), bytes.count) {
          bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
      }
      let path = scratch.path("damaged-\(number).db")
      try bytes.write(to: URL(fileURLWithPath: path))
      do {
        _ = try open(path)
      } catch is LedgerError {
        refused += 1
      }
    }
    // Most of the file is unused space or text, whose damage shows as other names or not at all.
    #expect(refused > 0, "seed \(seed)")
  }

  @Test func `damage elsewhere is found by looking at everything`() throws {
    let scratch = try Scratch()
    let path = try ledger(scratch)
    #expect(try LedgerCheck(path: path).run().isEmpty)
    let page = try DatabaseQueue(path: path).read { db in
      try Int64.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'credits'")
    }
    try overwrite(path, at: Int(try #require(page) - 1) * 4096, count: 200)
    #expect(try open(path) == 3000)
    #expect(try !LedgerCheck(path: path).run().isEmpty)
    let cancelled = try LedgerCheck(path: path)
    cancelled.cancel()
    #expect(try cancelled.run().isEmpty)
  }
}

import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A ledger that version 1 made, as `.dump` of `sqlite3` writes it.
struct MigrationTests {
  private let scratch: Scratch
  private let path: String

  init() throws {
    scratch = try Scratch()
    path = scratch.path("ledger.db")
    try Self.make(path, version: 1)
  }

  /// Makes a ledger as a version has left it.
  static func make(_ path: String, version: Int) throws {
    let dump = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/version-\(version).sql")
    let sql = try String(contentsOf: dump, encoding: .utf8)
    try DatabaseQueue(path: path).inDatabase { db in
      try db.execute(sql: "PRAGMA journal_mode = WAL")
      try db.execute(sql: sql)
    }
  }

  private let tables = ["payments", "accounts", "credits", "grants", "offers", "sync"]

  private func rows(_ read: (String) throws -> [Row]) rethrows -> [[Row]] {
    try tables.map { try read("SELECT * FROM \($0) ORDER BY 1") }
  }

  @Test func `it opens, and all is there`() throws {
    let before = try DatabaseQueue(path: path).read { db in
      try rows { try Row.fetchAll(db, sql: $0) }
    }
    #expect(before.map(\.count) == [6, 3, 1, 6, 2, 1])
    let ledger = try Ledger(path: path, nowMs: 1_795_500_000_000)
    let after = try ledger.read { db in try rows { try Row.fetchAll(db, sql: $0) } }
    #expect(after == before)
    #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 5)
    #expect(try ledger.bornAtMs() == 1_795_488_825_011)
    let friend = try ledger.access(of: Array("friend".utf8), endingAfterMs: 0)
    #expect(friend.flaws.isEmpty)
    #expect(friend.access.map(\.span.endsAtMs) == [1_795_575_229_242])
    // A second time it is a ledger like any other.
    ledger.close()
  }

  @Test func `it opens again, and goes on`() throws {
    do {
      try Ledger(path: path, nowMs: 0).close()
    }
    let ledger = try Ledger(path: path, nowMs: 0)
    let offers = OfferHistory(versions: try ledger.storedOffers().map(\.offer))
    // Between the two of the same account, which buys an hour; the second of them moves.
    let late = Payment(
      digest: World.digest(1), payer: World.payer, amount: 500_000,
      memo: Memo(content: .plain(username: Array("johndoe".utf8), offer: nil), text: nil),
      checkpoint: Checkpoint(sequence: 9, timeMs: 1_795_488_826_000))
    let span = try ledger.record(
      PaymentPage(payments: [late], position: ReadingPosition(checkpoint: 99, sinceMs: 0)),
      network: "0123abcd", address: World.address, offers: offers, nowMs: 0
    ).outcomes.first?.bought
    #expect(span == Span(startsAtMs: 1_795_492_425_691, endsAtMs: 1_795_496_025_691))
    let bought = try ledger.read { db in
      try Int64.fetchAll(
        db,
        sql: """
          SELECT starts_at FROM grants
          WHERE account = 'johndoe' AND offer = 'offer-998' AND kind = 'bought' ORDER BY starts_at
          """)
    }
    #expect(bought == [1_795_488_825_691, 1_795_492_425_691, 1_795_496_025_691])
  }

  @Test func `it is not touched while another program holds a lock`() throws {
    try DatabaseQueue(path: path).inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      let error = #expect(throws: LedgerError.self) { try Ledger(path: path, nowMs: 0) }
      #expect(error?.code == .busy)
      try db.execute(sql: "ROLLBACK")
      #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == 1)
    }
    try Ledger(path: path, nowMs: 0).close()
  }

  @Test func `one that is not as it was made is refused, and stays as it is`() throws {
    for change in ["DROP INDEX grants_once", "DROP TABLE sync", "DROP INDEX grants_by_end"] {
      let copy = scratch.path("copy.db")
      try DatabaseQueue(path: path).inDatabase { db in
        try db.execute(sql: "VACUUM INTO ?", arguments: [copy])
      }
      try DatabaseQueue(path: copy).write { try $0.execute(sql: change) }
      let error = #expect(throws: LedgerError.self) { try Ledger(path: copy, nowMs: 0) }
      #expect(error?.code == .corrupt)
      #expect(error?.reason.contains("restore a backup") == true)
      let version = try DatabaseQueue(path: copy).read {
        try Int.fetchOne($0, sql: "PRAGMA user_version")
      }
      #expect(version == 1)
      try FileManager.default.removeItem(atPath: copy)
    }
  }

  @Test func `a newer one is refused with a clear sentence`() throws {
    try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = 6") }
    let error = #expect(throws: LedgerError.self) { try Ledger(path: path, nowMs: 0) }
    #expect(error?.code == .newer)
    #expect(
      error?.description
        == "ledger \(path): a newer version made it (schema 6); install that version again")
  }
}

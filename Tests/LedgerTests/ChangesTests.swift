import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// What others write to the ledger is noted, and what the broker writes is not.
struct ChangesTests {
  private let world: World
  private let admin: DatabaseQueue

  init() throws {
    world = try World()
    admin = try DatabaseQueue(path: world.ledger.path)
    try run("INSERT INTO grants VALUES (7, 'a', 'live', 'granted', 0, 9000, NULL, NULL, NULL)")
    try run("INSERT INTO grants VALUES (8, 'b', 'live', 'granted', 0, 9000, NULL, NULL, NULL)")
    #expect(try taken() == ["a", "b"])
  }

  private func run(_ sql: String) throws {
    try admin.write { try $0.execute(sql: sql) }
  }

  private func taken() throws -> [String] {
    try world.ledger.takeChanges().accounts.map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  @Test func `each way to change a grant names all whom it concerns`() throws {
    let grant = "'live', 'granted', 0, 1, NULL, NULL, NULL)"
    for (sql, accounts) in [
      ("INSERT INTO grants VALUES (NULL, 'c', \(grant)", ["c"]),
      ("INSERT OR REPLACE INTO grants VALUES (7, 'd', \(grant)", ["a", "d"]),
      ("UPDATE grants SET ends_at = 5 WHERE id = 7", ["d"]),
      ("UPDATE grants SET account = 'e' WHERE id = 7", ["d", "e"]),
      ("UPDATE OR REPLACE grants SET id = 8 WHERE id = 7", ["b", "e"]),
      ("DELETE FROM grants WHERE id = 8", ["e"]), ("DELETE FROM grants", ["c"]),
      ("DELETE FROM grants", []),
    ] {
      try run(sql)
      #expect(try taken() == accounts, "\(sql)")
      #expect(try taken().isEmpty)
    }
    #expect(try world.rows("SELECT count(*) FROM changes") == ["0"])
  }

  @Test func `a bought row of an admin's own is noted`() throws {
    try world.record(World.payment(5, 500))
    #expect(try taken().isEmpty, "what the broker writes is not noted")
    let digest = World.digest(5)
    try run(
      """
      INSERT OR REPLACE INTO grants
      VALUES (NULL, 'thief', 'live', 'bought', 0, 9000, '\(digest)', 1, NULL)
      """)
    #expect(try taken() == ["thief"])
    #expect(try world.bought() == ["thief|0|9000", "johndoe|5000|5500"])
  }

  @Test func `changes are taken under a foreign lock too, each once`() throws {
    let other = try DatabaseQueue(path: world.ledger.path)
    try other.inDatabase { db in
      try run("UPDATE grants SET note = 'x' WHERE id = 7")
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(try taken() == ["a"])
      #expect(try taken().isEmpty)
      try db.execute(sql: "UPDATE grants SET note = 'y' WHERE id = 8")
      #expect(try taken().isEmpty, "not committed")
      try db.execute(sql: "COMMIT")
      #expect(try taken() == ["b"])
    }
    try run("UPDATE grants SET note = 'z' WHERE id = 7")
    #expect(try taken() == ["a"], "although its row has a number that was seen before")
  }

  @Test func `many changes come in parts, or are forgotten at once`() throws {
    let many = """
      WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 24999)
      INSERT INTO grants (account, offer, kind, starts_at, ends_at)
      SELECT 'user-' || i, 'live', 'granted', 0, 1 FROM n
      """
    try run(many)
    var accounts: Set<Username> = []
    var turns = 0
    while true {
      let taken = try world.ledger.takeChanges()
      accounts.formUnion(taken.accounts)
      turns += 1
      if !taken.areMore { break }
    }
    #expect(accounts.count == 25_000)
    #expect(turns == 3)
    try run(many)
    try world.ledger.discardChanges()
    #expect(try taken().isEmpty)
  }

  @Test func `accounts are found by the end of their grants`() throws {
    try run("INSERT INTO grants VALUES (9, 'c', 'live', 'revoked', 0, 500, NULL, NULL, NULL)")
    #expect(try world.ledger.accounts(endingAfterMs: 500, untilMs: 9000).count == 2)
    #expect(try world.ledger.accounts(endingAfterMs: 499, untilMs: 8999) == [Array("c".utf8)])
    #expect(try world.ledger.holderCount(endingAfterMs: 0) == 3)
    #expect(try world.ledger.holderCount(endingAfterMs: 9000) == 0)
  }

  @Test func `no question looks at more rows than it needs`() throws {
    let plans = [
      ("SELECT id FROM changes WHERE id > 1 ORDER BY id LIMIT 2", "SEARCH changes"),
      ("SELECT 1 FROM payments WHERE state = 'pending' LIMIT 1", "payments_pending"),
      (
        "SELECT 1 FROM grants WHERE version = 1 AND kind <> 'revoked' AND ends_at > 1",
        "grants_by_version"
      ),
      (
        "SELECT 1 FROM grants WHERE version IS NULL AND offer = 'x' AND kind <> 'revoked'"
          + " AND ends_at > 1", "grants_by_offer"
      ),
      (
        "SELECT id FROM grants WHERE kind = 'granted' AND payment = 'x'", "grants_provisional"
      ),
      ("SELECT 1 FROM grants WHERE kind = 'made_good' AND ends_at > 1", "grants_made_good"),
      (
        "SELECT 1 FROM payments WHERE account = 'x' AND offer = 'y' AND checkpoint >= 1",
        "payments_by_account"
      ),
    ]
    for (sql, index) in plans {
      let plan = try admin.read { db in
        try String.fetchAll(
          db, sql: "EXPLAIN QUERY PLAN " + sql, adapter: SuffixRowAdapter(fromIndex: 3))
      }
      #expect(
        plan.allSatisfy { $0.contains("SEARCH") || $0.contains("payments_pending") }, "\(plan)")
      #expect(plan.contains { $0.contains(index) }, "\(plan)")
    }
  }
}

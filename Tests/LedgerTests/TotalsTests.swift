import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

struct TotalsTests {
  private static let nowMs: Int64 = 1_800_000_000_000
  private let scratch: Scratch
  private let ledger: Ledger
  private let database: DatabaseQueue

  init() throws {
    scratch = try Scratch()
    let path = scratch.path("paywall.db")
    ledger = try Ledger(path: path, nowMs: 0)
    database = try DatabaseQueue(path: path)
  }

  private func write(_ sql: String) throws {
    try database.write { try $0.execute(sql: sql) }
  }

  private func payment(_ digest: String, _ amount: Int64, _ state: String) throws {
    let isPending = state == "pending"
    let isConfirmed = state == "confirmed"
    try database.write { db in
      try db.execute(
        sql: """
          INSERT INTO payments (digest, verified, amount, checkpoint, paid_at, seen_at, state,
            account, offer) VALUES (?, 1, ?, ?, ?, 1, ?, ?, ?)
          """,
        arguments: [
          digest, amount, isPending ? nil : 1, isPending ? nil : 1, state,
          isConfirmed ? "jane" : nil, isConfirmed ? "live" : nil,
        ])
    }
  }

  @Test func `adds up by state, and again when somebody writes`() throws {
    let reader = try TotalsReader(path: ledger.path)
    defer { reader.close() }
    #expect(try reader.totals(nowMs: Self.nowMs) { false } == LedgerTotals())
    try payment("a", 5, "confirmed")
    try payment("b", 7, "unclaimed")
    try payment("c", 11, "pending")
    try payment("d", 13, "rejected")
    var expected = LedgerTotals()
    expected.confirmedCount = 1
    expected.unclaimedCount = 1
    expected.pendingCount = 1
    expected.revenue = 12
    #expect(try reader.totals(nowMs: Self.nowMs) { false } == expected)
    try write("INSERT INTO grants VALUES (1, 'a', 'live', 'granted', 0, 1, 'b', NULL, 'assigned')")
    expected.unclaimedCount = 0
    #expect(try reader.totals(nowMs: Self.nowMs) { false } == expected, "nothing is left to decide")
    try write("UPDATE grants SET note = '\(Schema.provisionalNote)'")
    expected.unclaimedCount = 1
    #expect(try reader.totals(nowMs: Self.nowMs) { false } == expected)
    try payment("e", .max, "confirmed")
    expected.confirmedCount = 2
    expected.revenue = .max
    #expect(try reader.totals(nowMs: Self.nowMs) { false } == expected, "and does not trap")
  }

  @Test func `accounts are active while their time runs, unless it is revoked`() throws {
    let reader = try TotalsReader(path: ledger.path)
    defer { reader.close() }
    func active(_ nowMs: Int64) throws -> Int64? {
      try reader.totals(nowMs: nowMs) { false }?.activeAccountCount
    }
    try write(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
        ('jane', 'live', 'granted', 10, 20), ('jane', 'other', 'granted', 10, 30),
        ('joe', 'live', 'granted', 15, 40), ('joe', 'live', 'revoked', 25, 35),
        ('ann', 'live', 'revoked', 0, 100)
      """)
    let expected: [(Int64, Int64)] = [
      (9, 0), (10, 1), (14, 1), (15, 2), (24, 2), (25, 1), (29, 1), (30, 0), (34, 0), (35, 1),
      (39, 1), (40, 0),
    ]
    for (nowMs, count) in expected { #expect(try active(nowMs) == count, "at \(nowMs)") }
  }

  @Test func `can be ended early, and is whole the next time`() throws {
    try write(
      """
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO payments (digest, verified, amount, checkpoint, paid_at, seen_at, state)
        SELECT i, 1, 1, 1, 1, 1, 'unclaimed' FROM n
      """)
    let reader = try TotalsReader(path: ledger.path)
    defer { reader.close() }
    #expect(try reader.totals(nowMs: 0) { true } == nil)
    #expect(try reader.totals(nowMs: 0) { false }?.revenue == 20_000)
  }

  @Test func `a row of nonsense counts nothing`() throws {
    try write("PRAGMA ignore_check_constraints = ON")
    try payment("a", -5, "unclaimed")
    try payment("b", 1, "nonsense")
    let totals = try TotalsReader(path: ledger.path).totals(nowMs: 0) { false }
    #expect(totals?.revenue == 0 && totals?.unclaimedCount == 1)
  }
}

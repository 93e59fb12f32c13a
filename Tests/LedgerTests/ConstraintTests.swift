import GRDB
import TestSupport
import Testing

@testable import Ledger

/// What the ledger refuses, whoever writes it: by a ledger that is new, and by one that was migrated.
struct ConstraintTests {
  private let scratch: Scratch
  private let paths: [String]

  init() throws {
    scratch = try Scratch()
    paths = [scratch.path("new.db"), scratch.path("migrated.db")]
    try MigrationTests.make(paths[1], version: 4)
    for path in paths { try Ledger(path: path, nowMs: 0).close() }
  }

  /// Whether a row is taken; it is not kept.
  private func isTaken(_ insert: String, by path: String) throws -> Bool {
    var isTaken = false
    try DatabaseQueue(path: path).inDatabase { db in
      // Whether other rows are there is not what is looked at here.
      try db.execute(sql: "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")
      do {
        try db.execute(sql: insert)
        isTaken = true
      } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {}
      try db.execute(sql: "ROLLBACK")
    }
    return isTaken
  }

  private func expect(_ isTaken: Bool, _ insert: String) throws {
    for path in paths {
      #expect(try self.isTaken(insert, by: path) == isTaken, "\(path): \(insert)")
    }
  }

  private static let noWords = [
    "NULL", "''", "'Confirmed'", "'confirmed '", "'other'", "0", "x'636f6e6669726d6564'",
  ]

  @Test func `a payment has one of four states`() throws {
    func insert(_ state: String, _ time: String = "1, 1", _ holder: String = "NULL, NULL") -> String
    {
      """
      INSERT INTO payments (digest, verified, amount, checkpoint, paid_at, seen_at, state, account,
        offer) VALUES ('x', 0, 1, \(time), 0, \(state), \(holder))
      """
    }
    let (never, johndoe) = ("NULL, NULL", "'johndoe', 'live'")
    try expect(true, insert("'confirmed'", "1, 1", johndoe))
    try expect(true, insert("'pending'", never))
    for state in ["'unclaimed'", "'rejected'"] { try expect(true, insert(state)) }
    for state in Self.noWords {
      for (time, holder) in [("1, 1", johndoe), ("1, 1", never), (never, never)] {
        try expect(false, insert(state, time, holder))
      }
    }
    for state in ["'pending'", "'confirmed'"] { try expect(false, insert(state)) }
    for state in ["'unclaimed'", "'rejected'", "'confirmed'"] {
      try expect(false, insert(state, never, state == "'confirmed'" ? johndoe : never))
      try expect(false, insert(state, "1, NULL", state == "'confirmed'" ? johndoe : never))
    }
  }

  @Test func `an account is of one of three kinds`() throws {
    for kind in ["'broker'", "'buyer'", "'wallet'"] {
      try expect(true, "INSERT INTO accounts VALUES ('x', \(kind), NULL, 0)")
    }
    for kind in Self.noWords + ["'BUYER'", "'bought'"] {
      try expect(false, "INSERT INTO accounts VALUES ('x', \(kind), NULL, 0)")
    }
  }

  @Test func `a grant is of one of four kinds`() throws {
    func insert(_ kind: String, _ payment: String = "'x', 1") -> String {
      "INSERT INTO grants VALUES (NULL, 'a', 'live', \(kind), 0, 1, \(payment), NULL)"
    }
    for kind in ["'bought'", "'granted'", "'made_good'", "'revoked'"] {
      try expect(true, insert(kind))
    }
    for kind in Self.noWords + ["'Bought'", "'broker'"] { try expect(false, insert(kind)) }
    for payment in ["NULL, NULL", "NULL, 1", "'x', NULL"] {
      try expect(false, insert("'bought'", payment))
    }
  }
}

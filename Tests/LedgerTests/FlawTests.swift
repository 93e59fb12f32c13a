import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// What plain SQL can write and what makes no sense: no crash, no access, a line that names the row.
struct FlawTests {
  private static let live = "'live', 'granted', 0, 9000"

  /// A world with grants of an admin's own.
  private func world(_ values: String..., unchecked: Bool = false) throws -> World {
    let world = try World()
    let admin = try DatabaseQueue(path: world.ledger.path)
    try admin.inDatabase { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      if unchecked { try db.execute(sql: "PRAGMA ignore_check_constraints = ON") }
      for row in values {
        try db.execute(
          sql: """
            INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version, note)
            VALUES (\(row))
            """)
      }
    }
    return world
  }

  private func flaws(_ world: World) throws -> [String] {
    try world.ledger.forEachAccess(endingAfterMs: 0) { account, access in
      Issue.record("\(account) may read \(access)")
    }.map { "\($0)" }
  }

  @Test func `names that nobody can have give nothing`() throws {
    let world = try world(
      "CAST(x'ff' AS TEXT), \(Self.live), NULL, NULL, NULL",
      "CAST(x'61ff' AS TEXT), \(Self.live), NULL, NULL, NULL",
      "'', \(Self.live), NULL, NULL, NULL", "'a/b', \(Self.live), NULL, NULL, NULL",
      "CAST(x'610062' AS TEXT), \(Self.live), NULL, NULL, NULL",
      "'0x' || upper(hex(zeroblob(31))) || 'AB', \(Self.live), NULL, NULL, NULL",
      "hex(zeroblob(100000)), \(Self.live), NULL, NULL, NULL")
    let flaws = try flaws(world)
    #expect(flaws.count == 7)
    #expect(flaws.allSatisfy { $0.contains("nobody can have the name of its account") })
    for row in 1...7 {
      #expect(flaws.contains { $0.hasPrefix("grants row \(row) is ignored") }, "\(row)")
    }
    // Repaired as Swift repairs it, the first of them would be this account.
    #expect(try world.ledger.access(of: Array("\u{FFFD}".utf8), nowMs: 0).isEmpty)
    #expect(try world.ledger.access(of: [0xff], nowMs: 0).isEmpty)
  }

  @Test func `names that invalid UTF-8 is repaired to stay apart`() throws {
    let world = try world(
      "CAST(x'ff' AS TEXT), \(Self.live), NULL, NULL, NULL",
      "CAST(x'efbfbd' AS TEXT), \(Self.live), NULL, NULL, NULL")
    var accounts: [Username] = []
    let flaws = try world.ledger.forEachAccess(endingAfterMs: 0) { account, _ in
      accounts.append(account)
    }
    #expect(accounts == [Array("\u{FFFD}".utf8)])
    #expect(flaws.map(\.row) == [1])
  }

  @Test func `offers, versions and kinds that there are not give nothing`() throws {
    let world = try world(
      "'a', 'none', 'granted', 0, 9000, NULL, NULL, NULL",
      "'b', CAST(x'ff' AS TEXT), 'granted', 0, 9000, NULL, NULL, NULL",
      "'c', \(Self.live), NULL, 99, NULL", "'d', \(Self.live), NULL, 2, NULL",
      "'e', 'live', 'given', 0, 9000, NULL, NULL, NULL",
      "'f', 'live', 'granted', 9000, 1, NULL, NULL, NULL",
      unchecked: true)
    let found = try flaws(world)
    #expect(found.count == 5, "\(found)")
    #expect(found.filter { $0.contains("no offer has ever had this name") }.count == 2)
    #expect(found.filter { $0.contains("its version is no row in offers") }.count == 2)
    #expect(found.filter { $0.contains("a kind that there is not") }.count == 1)
  }

  @Test func `times at the limits neither trap nor give more than they say`() throws {
    let least = "-9223372036854775808"
    let most = "9223372036854775807"
    let world = try world(
      "'a', 'live', 'granted', \(least), \(most), NULL, NULL, NULL",
      "'b', 'live', 'granted', \(least), \(most), NULL, NULL, NULL",
      "'b', 'live', 'revoked', \(least), \(most), NULL, NULL, NULL",
      "'c', 'live', 'granted', \(most), \(most), NULL, NULL, NULL",
      "'d', 'live', 'bought', \(least), \(most), 'x', 1, NULL")
    let all = try world.ledger.access(nowMs: 1)
    #expect(
      Set(all.keys) == [Array("a".utf8), Array("d".utf8)])
    #expect(all[Array("a".utf8)]?.first?.span == Span(startsAtMs: .min, endsAtMs: .max))
    // What is bought next begins at the end of time.
    try world.record(World.payment(1, 500, for: "d"))
    #expect(
      try world.rows("SELECT ends_at FROM grants WHERE account = 'd'").allSatisfy { $0 == most })
    #expect(try world.rows("SELECT count(*) FROM access_log") == ["6"])
  }

  @Test func `a revocation counts whatever its version`() throws {
    let world = try world(
      "'a', \(Self.live), NULL, NULL, NULL",
      "'a', 'live', 'revoked', 0, 9000, NULL, 99, NULL")
    #expect(try flaws(world).isEmpty)
  }

  @Test func `an offer that makes no sense is told with its row`() throws {
    for change in [
      "topics = 'no JSON'", "topics = '[]'", "topics = '[1]'", "topics = '[\"a/#/b\"]'",
      "topics = CAST(x'5b22ff225d' AS TEXT)", "name = 'a/b'", "clients = -1",
    ] {
      let world = try World()
      let admin = try DatabaseQueue(path: world.ledger.path)
      try admin.write { try $0.execute(sql: "UPDATE offers SET \(change) WHERE id = 2") }
      do {
        _ = try world.ledger.soldOffers(nowMs: 2000)
        Issue.record("\(change)")
      } catch {
        #expect(error.code == .invalid)
        #expect(error.description.contains("offers row 2 makes no sense"), "\(change)")
      }
    }
  }

  @Test func `payments of an admin's own are no reason to stop`() throws {
    let world = try World()
    try world.record(World.payment(5, 500))
    let admin = try DatabaseQueue(path: world.ledger.path)
    for (digest, offer, amount) in [
      ("'no digest'", "live", "1"), ("CAST(x'ff' AS TEXT)", "live", "1"), ("'1'", "none", "1"),
      ("'\(World.digest(99))'", "live", "9223372036854775807"),
    ] {
      try admin.write { db in
        try db.execute(
          sql: """
            INSERT INTO payments VALUES
              (\(digest), NULL, 0, \(amount), NULL, 4, -9223372036854775808, 0, 'confirmed', NULL,
               'johndoe', '\(offer)')
            """)
      }
    }
    try world.record(World.payment(3, 500))
    try world.record(World.payment(7, 500))
    #expect(try world.bought().contains("johndoe|3000|3500"))
  }

  @Test func `random bytes in every column neither crash nor meet another name`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let world = try World()
    let admin = try DatabaseQueue(path: world.ledger.path)
    func text() -> String {
      let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      return "CAST(x'\(bytes.map { String(format: "%02x", $0) }.joined())' AS TEXT)"
    }
    try admin.write { db in
      for _ in 0..<2000 {
        let account = Bool.random(using: &random) ? text() : "'a'"
        let offer = Bool.random(using: &random) ? text() : "'live'"
        let kind = ["granted", "made_good", "revoked"].randomElement(using: &random) ?? ""
        let times = [Int64.random(in: .min ... .max, using: &random), .max, .min, 0, 1].shuffled(
          using: &random
        ).prefix(2).sorted()
        try db.execute(
          sql: """
            INSERT INTO grants (account, offer, kind, starts_at, ends_at, note)
            VALUES (\(account), \(offer), '\(kind)', ?, ?, \(text()))
            """, arguments: [times.first, times.last])
      }
    }
    var held: Set<Username> = []
    _ = try world.ledger.forEachAccess(endingAfterMs: 0) { account, access in
      #expect(held.insert(account).inserted, "seed \(seed)")
      #expect(access.allSatisfy { $0.version == 1 }, "seed \(seed)")
    }
    for account in try world.ledger.takeChanges().accounts {
      let access = try world.ledger.access(of: account, nowMs: 0)
      #expect(access.isEmpty != held.contains(account), "seed \(seed)")
    }
    #expect(held.allSatisfy { Account(username: $0)?.username == $0 }, "seed \(seed)")
  }
}

import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Payments that count for somebody else once an earlier claim to a name turns up.
struct MovedPaymentTests {
  private let world: World
  private let admin: DatabaseQueue
  private let jane: Name
  private let terms = Ledger.Terms(makesGood: true)
  private let madeGood = """
    SELECT account, starts_at, ends_at FROM grants WHERE kind = 'made_good' ORDER BY id
    """

  init() throws {
    world = try World()
    admin = try DatabaseQueue(path: world.ledger.path)
    jane = try #require(Name("jane"))
  }

  /// A claim to `jane` by a password of one byte.
  private func claim(
    _ number: UInt8, _ password: UInt8, _ amount: Nanos = 10_000, payer: UInt8 = 9,
    isPending: Bool = false
  ) -> Payment {
    var payment = World.payment(number, amount, isPending: isPending)
    payment.payer = Address(bytes: Array(repeating: payer, count: 32))
    payment.memo = Memo(content: .sealed([password]), text: nil)
    return payment
  }

  private func hash(_ password: UInt8) -> Bytes32 {
    Bytes32(Array(repeating: password, count: 32)) ?? .zero
  }

  private func login(_ password: UInt8, isValid: Bool) -> Ledger.Login {
    Ledger.Login(name: jane, passwordHash: hash(password), isValid: isValid)
  }

  /// Records payments, each of which is known as soon as it is made unless a time is given.
  @discardableResult
  private func record(_ payments: Payment..., nowMs: Int64 = 9000) throws -> Ledger.Recorded {
    try record(payments, nowMs: nowMs, terms)
  }

  @discardableResult
  private func record(
    _ payments: [Payment], nowMs: Int64, _ terms: Ledger.Terms
  ) throws -> Ledger.Recorded {
    try world.ledger.record(
      PaymentPage(payments: payments, position: ReadingPosition(checkpoint: nil, sinceMs: 0)),
      network: "n", address: World.address, offers: world.offers, terms: terms, nowMs: nowMs,
      // Bytes from 100 on cannot be opened.
      open: { memo in
        memo.first.flatMap { password in
          password < 100 ? BuyerClaim(name: jane, passwordHash: hash(password)) : nil
        }
      })
  }

  private func run(_ sql: String) throws {
    try admin.write { try $0.execute(sql: sql) }
  }

  private func wallet(_ payer: UInt8) -> String {
    "0x" + String(repeating: "0\(payer)", count: 32)
  }

  private func accounts() throws -> [String] {
    try world.rows("SELECT username, kind, password_hash FROM accounts ORDER BY username")
  }

  private func logins() throws -> [Bytes32] {
    var hashes: [Bytes32] = []
    _ = try world.ledger.forEachLogin { _, hash in hashes.append(hash) }
    return hashes
  }

  @Test func `accounts are those that payments in their order would have made`() throws {
    let payments = [claim(2, 1, payer: 1), claim(3, 2, payer: 2), claim(4, 1, payer: 3)]
    let expected = [
      "\(wallet(2))|wallet|", "buyer:jane|buyer|\(String(repeating: "01", count: 32))",
    ]
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
      for isOnePage in [true, false] {
        let other = try MovedPaymentTests()
        let page = order.map { payments[$0] }
        for part in isOnePage ? [page] : page.map({ [$0] }) {
          try other.record(part, nowMs: 9000, terms)
        }
        #expect(try other.accounts() == expected, "\(order), one page: \(isOnePage)")
        #expect(
          try other.world.bought() == [
            "buyer:jane|2000|12000", "\(wallet(2))|3000|13000", "buyer:jane|12000|22000",
          ], "\(order), one page: \(isOnePage)")
      }
    }
  }

  @Test func `who was locked out by hand stays so, though the same password came earlier`() throws {
    try record(claim(5, 1))
    try run("UPDATE accounts SET password_hash = NULL")
    #expect(try record(claim(3, 1)).logins.isEmpty)
    #expect(try record(claim(6, 1)).logins.isEmpty)
    #expect(try logins().isEmpty)
    // Another owner is not concerned.
    #expect(try record(claim(2, 2)).logins.last == login(2, isValid: true))
    #expect(try logins() == [hash(2)])
  }

  @Test func `a password that somebody wrote by hand goes with the former owner's`() throws {
    try record(claim(5, 1))
    let written = String(repeating: "03", count: 32)
    try run("UPDATE accounts SET password_hash = '\(written)'")
    let recorded = try record(claim(3, 2))
    #expect(
      Set(recorded.logins.dropLast()) == [login(1, isValid: false), login(3, isValid: false)])
    #expect(recorded.logins.last == login(2, isValid: true))
    #expect(try logins() == [hash(2)])
  }

  @Test func `nonsense written into a claim gives the name to nobody else`() throws {
    try record(claim(5, 1))
    try run("UPDATE claims SET password_hash = 'nonsense'")
    #expect(try record(claim(6, 2)).logins.isEmpty)
    #expect(try record(claim(4, 2)).logins.isEmpty)
    #expect(try logins() == [hash(1)])
    #expect(try world.rows("SELECT count(*) FROM payments WHERE account = 'buyer:jane'") == ["1"])
  }

  @Test func `what the seller has assigned stays, where neither owner's password was in it`() throws
  {
    try record(claim(5, 1), claim(6, 2), claim(7, 3))
    try run("UPDATE payments SET account = 'friend' WHERE digest = '\(World.digest(7))'")
    try record(claim(4, 2))
    #expect(
      try world.rows("SELECT account FROM payments ORDER BY checkpoint")
        == ["buyer:jane", wallet(9), "buyer:jane", "friend"])
  }

  @Test func `a bought row of an admin's own outlives that payments move`() throws {
    try record(claim(5, 1))
    try record(World.payment(99, 100, for: "friend"))
    let other = World.digest(99)
    try run(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version)
      VALUES ('buyer:jane', 'live', 'bought', 0, 9000000, '\(other)', 1)
      """)
    try record(claim(4, 2))
    #expect(
      try world.rows(
        "SELECT ends_at FROM grants WHERE payment = '\(other)' AND account = 'buyer:jane'")
        == ["9000000"])
  }

  @Test func `time that a moved payment had stood before was not lost`() throws {
    // Of 50 seconds from 5 s on, the second 25 were behind those of the claim.
    try record(claim(5, 1, 25_000), nowMs: 5100)
    try record(World.payment(6, 25_000, for: "buyer:jane"), nowMs: 6100)
    #expect(try world.bought() == ["buyer:jane|5000|30000", "buyer:jane|30000|55000"])
    try record(claim(4, 2, 10), nowMs: 40_000)
    #expect(
      try Set(world.bought()) == [
        "buyer:jane|4000|4010", "\(wallet(9))|5000|30000", "buyer:jane|6000|31000",
      ])
    // The late claim has lost its 10 ms, and nobody anything else.
    #expect(try world.rows(madeGood) == ["buyer:jane|40000|40010"])
  }

  @Test func `what moves within its first page is made good to whom it counts for`() throws {
    try record(claim(5, 1), claim(4, 2, payer: 8), nowMs: 40_000)
    #expect(
      try Set(world.rows(madeGood)) == ["\(wallet(9))|40000|50000", "buyer:jane|40000|50000"])
  }

  @Test func `what was made good ends where its payment moves, and not before`() throws {
    try record(claim(5, 1), nowMs: 40_000)
    try record(claim(4, 2, 10, payer: 8), nowMs: 42_000)
    #expect(
      try world.rows(madeGood) == ["buyer:jane|40000|42000", "buyer:jane|42000|42010"])
  }

  @Test func `what another had of a name right before an outage is not made good`() throws {
    try record(claim(5, 1), nowMs: 40_000)
    try record(claim(4, 2, 10, payer: 8), nowMs: 42_000)
    // As where the run that has recorded these knew no time yet.
    try run("INSERT OR REPLACE INTO meta VALUES ('alive_at', '41000')")
    let outages = try world.ledger.endOutage(atMs: 60_000, terms: terms)
    #expect(outages.map(\.madeGoodMs) == [10])
  }

  @Test func `a sealed memo gives nothing before its checkpoint, unless the account is there`()
    throws
  {
    let terms = Ledger.Terms(provisionalMs: 1000)
    let cannotBeOpened: UInt8 = 100
    for (number, password) in [(UInt8(5), cannotBeOpened), (8, 1)] {
      let pending = claim(number, password, isPending: true)
      let recorded = try record([pending], nowMs: 5100, terms)
      #expect(recorded.outcomes.map(\.provisional) == [nil])
      #expect(recorded.accounts.isEmpty)
    }
    try record([claim(4, 1)], nowMs: 5200, terms)
    let page = [claim(6, 1, isPending: true), claim(7, 2, isPending: true)]
    let recorded = try record(page, nowMs: 5300, terms)
    #expect(
      recorded.outcomes.map(\.provisional) == [Span(startsAtMs: 5300, endsAtMs: 6300), nil])
    #expect(recorded.accounts == [Array("buyer:jane".utf8)])
  }

  @Test func `no question looks at more rows than it needs`() throws {
    let plans = [
      ("SELECT 1 FROM claims WHERE username = 'x' AND is_first = 1", "claims_first"),
      (
        "SELECT 1 FROM claims WHERE username = 'x' AND payment <> 'y' "
          + "AND password_hash IN ('a', 'b')", "claims_by_username"
      ),
      (
        "UPDATE grants SET ends_at = max(starts_at, 1) "
          + "WHERE payment = 'x' AND kind = 'made_good' AND ends_at > 1", "grants_made_good"
      ),
      (
        "SELECT 1 FROM payments WHERE account = 'x' AND offer = 'y' ORDER BY checkpoint DESC",
        "payments_by_account"
      ),
      (
        "DELETE FROM grants WHERE account = 'x' AND offer = 'y' AND kind = 'bought' "
          + "AND payment = 'z'", "grants_by_account"
      ),
    ]
    for (sql, index) in plans {
      let plan = try admin.read { db in
        try String.fetchAll(
          db, sql: "EXPLAIN QUERY PLAN " + sql, adapter: SuffixRowAdapter(fromIndex: 3))
      }
      #expect(plan.contains { $0.contains("SEARCH") && $0.contains(index) }, "\(plan)")
      #expect(!plan.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
    }
  }
}

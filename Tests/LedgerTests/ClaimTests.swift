import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Who gets an account that payments claim, and what becomes of the others.
struct ClaimTests {
  private let world: World

  init() throws {
    world = try World()
  }

  private static func claim(
    _ number: UInt8, _ amount: Nanos, _ name: String, _ password: String, offer: String? = nil,
    payer: UInt8? = nil, isPending: Bool = false
  ) -> Payment {
    var payment = World.payment(number, amount, isPending: isPending)
    payment.payer = payer.flatMap { Address(bytes: Array(repeating: $0, count: 32)) }
    payment.memo = Memo(
      content: .sealed(PlainSeal.seal(name, password, offer: offer)), text: "sealed")
    return payment
  }

  @discardableResult
  private func record(
    _ payments: Payment..., nowMs: Int64 = 5000, terms: Ledger.Terms = Ledger.Terms()
  ) throws -> Ledger.Recorded {
    try world.record(payments, nowMs: nowMs, terms, open: PlainSeal.open)
  }

  private func accounts() throws -> [String] {
    try world.rows("SELECT account FROM payments ORDER BY checkpoint")
  }

  private func logins() throws -> [String] {
    var found: [String] = []
    let flaws = try world.ledger.forEachLogin { name, hash in
      for password in ["x", "y", "z"] where PlainSeal.hash(name.description, password) == hash {
        found.append("\(name):\(password)")
      }
    }
    #expect(flaws.isEmpty)
    return found.sorted()
  }

  private static let sender = "0x" + String(repeating: "09", count: 32)

  @Test func `the first claim makes the account, and the same password adds time to it`() throws {
    let first = try record(Self.claim(1, 100, "jane", "x", payer: 9), nowMs: 1050)
    #expect(
      first.logins == [
        .init(
          name: try #require(Name("jane")), passwordHash: PlainSeal.hash("jane", "x"),
          isValid: true)
      ])
    #expect(first.accounts == [Array("buyer:jane".utf8)])
    let second = try record(Self.claim(2, 100, "jane", "x", payer: 8))
    #expect(second.logins.isEmpty)
    #expect(try world.bought() == ["buyer:jane|1000|1100", "buyer:jane|2000|2100"])
    #expect(try logins() == ["jane:x"])
  }

  @Test func `another password falls to the sender, and changes nothing`() throws {
    try record(Self.claim(1, 100, "jane", "x"))
    let second = try record(Self.claim(2, 100, "jane", "y", payer: 9))
    #expect(second.logins.isEmpty)
    let third = try record(Self.claim(3, 100, "jane", "y"))
    #expect(third.outcomes.map(\.assignment) == [.unclaimed("the sender is not known")])
    #expect(try accounts() == ["buyer:jane", Self.sender, ""])
    #expect(try logins() == ["jane:x"])
  }

  @Test func `a taken name's payment buys its sender what its memo names`() throws {
    try record(Self.claim(1, 100, "jane", "x"))
    try record(Self.claim(2, 100, "jane", "y", offer: "other", payer: 9))
    #expect(
      try world.rows("SELECT account || ' ' || offer FROM payments WHERE checkpoint = 2")
        == ["\(Self.sender) other"])
    let unknown = try record(Self.claim(3, 100, "jane", "y", offer: "none", payer: 9))
    #expect(
      unknown.outcomes.map(\.assignment)
        == [.unclaimed("the memo's offer was not sold at the time")])
  }

  @Test func `what cannot be opened is the sender's`() throws {
    var payment = Self.claim(1, 100, "jane", "x", payer: 9)
    payment.memo.content = .sealed([1, 2, 3])
    #expect(try record(payment).logins.isEmpty)
    #expect(try accounts() == [Self.sender])
    #expect(try logins().isEmpty)
  }

  @Test func `a plain memo adds time to a buyer, and makes no login`() throws {
    try record(World.payment(1, 100, for: "buyer:jane"))
    #expect(try logins().isEmpty)
    try record(Self.claim(2, 100, "jane", "x"))
    #expect(try logins() == ["jane:x"])
    #expect(try accounts() == ["buyer:jane", "buyer:jane"])
  }

  @Test func `an earlier claim that turns up late takes the name, and all else is judged anew`()
    throws
  {
    try record(
      Self.claim(4, 100, "jane", "y", payer: 9), Self.claim(5, 100, "jane", "y", payer: 8),
      Self.claim(6, 100, "jane", "x", payer: 7), nowMs: 7000)
    #expect(try logins() == ["jane:y"])
    let late = try record(Self.claim(2, 100, "jane", "x", payer: 7), nowMs: 7500)
    #expect(try logins() == ["jane:x"])
    #expect(
      Set(late.logins) == [
        .init(
          name: try #require(Name("jane")), passwordHash: PlainSeal.hash("jane", "y"),
          isValid: false),
        .init(
          name: try #require(Name("jane")), passwordHash: PlainSeal.hash("jane", "x"),
          isValid: true),
      ])
    let (nine, eight) = (
      Self.sender, "0x" + String(repeating: "08", count: 32)
    )
    #expect(try accounts() == ["buyer:jane", nine, eight, "buyer:jane"])
    #expect(
      Set(try world.bought()) == [
        "buyer:jane|2000|2100", "\(nine)|4000|4100", "\(eight)|5000|5100", "buyer:jane|6000|6100",
      ])
    #expect(late.outcomes.count == 4)
    #expect(late.accounts.contains(Array("buyer:jane".utf8)))
    // The one with the same password, and earlier still, moves nothing but the first place.
    #expect(try record(Self.claim(1, 100, "jane", "x"), nowMs: 7600).outcomes.count == 1)
    #expect(try logins() == ["jane:x"])
  }

  @Test func `what moves is neither credited nor made good twice`() throws {
    let terms = Ledger.Terms(makesGood: true)
    // Of the offer's minimum of 10, 4 are kept as credit.
    try record(
      Self.claim(3, 100, "jane", "y", payer: 9), Self.claim(4, 4, "jane", "y", payer: 9),
      nowMs: 40_000, terms: terms)
    #expect(try world.rows("SELECT account, nanos FROM credits") == ["buyer:jane|4"])
    let before = try world.rows("SELECT account FROM grants WHERE kind = 'made_good'")
    #expect(before == ["buyer:jane"], "it became known 37 seconds late")
    try record(Self.claim(2, 100, "jane", "x", payer: 8), nowMs: 40_010, terms: terms)
    #expect(try world.rows("SELECT account, nanos FROM credits") == ["\(Self.sender)|4"])
    let madeGood = try world.rows(
      """
      SELECT account, ends_at - starts_at, payment FROM grants
      WHERE kind = 'made_good' AND ends_at > starts_at ORDER BY id
      """)
    // What the former owner has had of it until now, and what the late one has lost.
    #expect(
      madeGood == [
        "buyer:jane|10|\(World.digest(3))", "buyer:jane|100|\(World.digest(2))",
      ])
  }

  @Test func `a claim counts, whatever its payment buys`() throws {
    try record(Self.claim(1, 100, "jane", "x", offer: "nothing", payer: 9))
    try record(Self.claim(2, 1, "jane", "x", payer: 9), Self.claim(3, 100, "jane", "y", payer: 9))
    #expect(try accounts() == ["", "buyer:jane", Self.sender])
    #expect(try logins() == ["jane:x"])
  }

  @Test func `names of other bytes are other accounts`() throws {
    try record(
      Self.claim(1, 100, "caf\u{E9}", "x", payer: 9),
      Self.claim(2, 100, "cafe\u{301}", "y", payer: 9))
    #expect(try logins().count == 2)
    #expect(try Set(accounts().map { Array($0.utf8) }).count == 2)
  }

  @Test func `a payment in no checkpoint makes no account`() throws {
    let terms = Ledger.Terms(provisionalMs: 1000)
    let new = try record(
      Self.claim(1, 100, "jane", "x", payer: 9, isPending: true), nowMs: 900, terms: terms)
    #expect(new.outcomes.first?.provisional == nil && new.logins.isEmpty)
    #expect(try logins().isEmpty)
    try record(Self.claim(1, 100, "jane", "x", payer: 9), nowMs: 1100, terms: terms)
    #expect(try logins() == ["jane:x"])
    let known = try record(
      Self.claim(2, 100, "jane", "x", payer: 9, isPending: true),
      Self.claim(3, 100, "jane", "y", payer: 9, isPending: true), nowMs: 1200, terms: terms)
    #expect(known.outcomes.map { $0.provisional != nil } == [true, false])
    #expect(known.accounts == [Array("buyer:jane".utf8)])
  }

  @Test func `an admin's password changes are noticed, and nonsense lets nobody in`() throws {
    try record(Self.claim(1, 100, "jane", "x"), Self.claim(2, 100, "joe", "y"))
    #expect(try !world.ledger.takeChanges().areLogins, "what the broker writes is not noted")
    let admin = try DatabaseQueue(path: world.ledger.path)
    func run(_ sql: String) throws { try admin.write { try $0.execute(sql: sql) } }
    try run("UPDATE accounts SET password_hash = NULL WHERE username = 'buyer:jane'")
    let taken = try world.ledger.takeChanges()
    #expect(taken.areLogins && taken.accounts.isEmpty)
    #expect(try !world.ledger.takeChanges().areLogins)
    #expect(try logins() == ["joe:y"])
    // Whose name it is does not change by that: it is decided by payments alone.
    try record(Self.claim(3, 100, "jane", "y", payer: 9))
    #expect(try accounts() == ["buyer:jane", "buyer:joe", Self.sender])
    try run("UPDATE accounts SET password_hash = 'nonsense' WHERE username = 'buyer:joe'")
    try run("INSERT INTO accounts VALUES ('friend', 'broker', '\(Self.hash)', 0)")
    try run(
      "INSERT INTO accounts VALUES (CAST(x'62757965723aff' AS TEXT), 'buyer', '\(Self.hash)', 0)")
    let flaws = try world.ledger.forEachLogin { name, _ in Issue.record("\(name) may log in") }
    #expect(flaws.count == 3)
    #expect(flaws.allSatisfy { "\($0)".contains("accounts row") && "\($0)".contains("rowid") })
  }

  private static let hash = String(repeating: "ab", count: 32)
}

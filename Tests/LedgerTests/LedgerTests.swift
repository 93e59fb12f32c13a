import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A small world: one address, offers, and payments by their numbers.
struct World {
  static let address = Address(Bytes32.zero)
  static let payer = Address(bytes: Array(repeating: 7, count: 32))

  let scratch: Scratch
  let ledger: Ledger
  var offers: OfferHistory

  static func entry(_ name: String, price: Nanos = 1, minimumMs: Int64 = 1) throws -> OfferEntry {
    let terms = Offer(
      name: try #require(Name(name)), topics: [try #require(TopicFilter("sensor/\(name)"))],
      price: price, perMs: 1, minimumMs: minimumMs, validFromMs: 0)
    return OfferEntry(terms: terms, fromMs: nil)
  }

  init(_ entries: [OfferEntry]? = nil) throws {
    scratch = try Scratch()
    ledger = try Ledger(path: scratch.path("ledger.db"), nowMs: 1000)
    let entries = try entries ?? [World.entry("live", minimumMs: 10), World.entry("other")]
    offers = try ledger.apply(offers: entries, nowMs: 1000, firstFromMs: 0)
  }

  /// Payment number `number`, in a checkpoint of its own unless one is given.
  static func payment(
    _ number: UInt8, _ amount: Nanos, for username: String? = "johndoe", offer: String? = nil,
    checkpoint: Int64? = nil, isPending: Bool = false
  ) -> Payment {
    let content: Memo.Content =
      username.map { .plain(username: Array($0.utf8), offer: offer.map { Array($0.utf8) }) }
      ?? .none
    let sequence = checkpoint ?? Int64(number)
    return Payment(
      digest: digest(number), payer: payer, amount: amount,
      memo: Memo(content: content, text: username.map { "{\"username\":\"\($0)\"}" }),
      checkpoint: isPending ? nil : Checkpoint(sequence: sequence, timeMs: sequence * 1000))
  }

  static func digest(_ number: UInt8) -> Digest {
    Digest(Bytes32([number] + Array(repeating: 1, count: 31)) ?? .zero)
  }

  @discardableResult
  func record(_ payments: Payment...) throws -> Ledger.Recorded {
    try record(payments)
  }

  @discardableResult
  func record(_ payments: [Payment]) throws -> Ledger.Recorded {
    let position = ReadingPosition(
      checkpoint: payments.compactMap { $0.checkpoint?.sequence }.max(), sinceMs: 0)
    return try ledger.record(
      PaymentPage(payments: payments, position: position), network: "n", address: World.address,
      offers: offers, nowMs: 5000)
  }

  /// The rows of a query, columns separated by `|`, as `sqlite3` shows them.
  func rows(_ sql: String) throws -> [String] {
    try ledger.read { db in
      try Row.fetchAll(db, sql: sql).map { row in
        row.databaseValues.map { $0.isNull ? "" : "\($0.storage.value ?? "")" }
          .joined(separator: "|")
      }
    }
  }

  func bought() throws -> [String] {
    try rows(
      "SELECT account, starts_at, ends_at FROM grants WHERE kind = 'bought' ORDER BY starts_at")
  }
}

extension Ledger {
  /// The access of an account, without rows that make no sense.
  func access(of account: Username, nowMs: Int64) throws -> [Access] {
    try access(of: account, endingAfterMs: nowMs).access
  }

  /// The access of everybody.
  func access(nowMs: Int64) throws -> [Username: [Access]] {
    var all: [Username: [Access]] = [:]
    _ = try forEachAccess(endingAfterMs: nowMs) { account, access in
      // Each account comes once.
      #expect(all.updateValue(access, forKey: account) == nil)
    }
    return all
  }
}

struct LedgerTests {
  @Test func `a payment becomes a row, an account and a grant`() throws {
    let world = try World()
    let recorded = try world.record(World.payment(5, 500))
    #expect(recorded.accounts == [Array("johndoe".utf8)])
    #expect(recorded.outcomes.first?.bought == Span(startsAtMs: 5000, endsAtMs: 5500))
    #expect(
      try world.rows("SELECT state, amount, account, offer, checkpoint, paid_at FROM payments")
        == ["confirmed|500|johndoe|live|5|5000"])
    #expect(try world.rows("SELECT username, kind FROM accounts") == ["johndoe|broker"])
    #expect(try world.bought() == ["johndoe|5000|5500"])
    #expect(try world.rows("SELECT network, checkpoint FROM sync") == ["n|5"])
  }

  @Test func `each payment counts once, whatever is repeated`() throws {
    let world = try World()
    for _ in 0..<3 {
      try world.record(World.payment(5, 500), World.payment(5, 500))
      try world.record(World.payment(6, 500), World.payment(5, 500))
    }
    #expect(try world.bought() == ["johndoe|5000|5500", "johndoe|6000|6500"])
    #expect(try world.record(World.payment(5, 500)).outcomes.isEmpty)
  }

  @Test func `a payment that turns up late moves what comes after it`() throws {
    let world = try World()
    try world.record(World.payment(5, 2000))
    try world.record(World.payment(6, 2000))
    #expect(try world.bought() == ["johndoe|5000|7000", "johndoe|7000|9000"])
    let late = try world.record(World.payment(4, 3000))
    #expect(late.outcomes.map(\.bought) == [Span(startsAtMs: 4000, endsAtMs: 7000)])
    #expect(try world.bought() == ["johndoe|4000|7000", "johndoe|7000|9000", "johndoe|9000|11000"])
  }

  @Test func `a late payment is counted from its place on, and no further than it matters`() throws
  {
    let world = try World()
    for number in 1...40 as ClosedRange<UInt8> where number != 20 {
      try world.record(World.payment(number, 100))
    }
    let before = try world.rows("SELECT id, starts_at FROM grants ORDER BY id")
    try world.ledger.write { db in
      // Whatever is counted anew without need shows.
      try db.execute(sql: "UPDATE grants SET ends_at = ends_at + 1 WHERE starts_at < 18000")
    }
    try world.record(World.payment(20, 1500))
    #expect(
      try world.rows(
        "SELECT starts_at, ends_at FROM grants WHERE starts_at BETWEEN 19000 AND 22000")
        == ["19000|19100", "21500|21600", "22000|22100", "20000|21500"])
    let after = try world.rows("SELECT id, starts_at FROM grants ORDER BY id")
    #expect(zip(before, after).count { $0 != $1 } == 1, "only the next one has moved")
    #expect(try world.rows("SELECT count(*) FROM grants WHERE ends_at % 100 = 1") == ["17"])
  }

  @Test func `a late payment can make good what was too little`() throws {
    let world = try World()
    try world.record(World.payment(6, 4))
    #expect(try world.rows("SELECT * FROM credits") == ["johndoe|live|4"])
    #expect(try world.bought().isEmpty)
    try world.record(World.payment(5, 8))
    #expect(try world.bought() == ["johndoe|6000|6012"])
    #expect(try world.rows("SELECT * FROM credits").isEmpty)
  }

  @Test func `reading resumes where it stood, unless it is to begin earlier`() throws {
    let world = try World()
    func checkpoint(sinceMs: Int64) throws -> Int64? {
      try world.ledger.position(network: "n", address: World.address, sinceMs: sinceMs).checkpoint
    }
    #expect(try checkpoint(sinceMs: 0) == nil)
    try world.record(World.payment(5, 500))
    #expect(try checkpoint(sinceMs: 0) == 5)
    #expect(try checkpoint(sinceMs: 100) == 5)
    #expect(try checkpoint(sinceMs: -1) == nil)
    let other = try world.ledger.position(network: "other", address: World.address, sinceMs: nil)
    #expect(other == ReadingPosition(checkpoint: nil, sinceMs: 1000))
  }

  @Test func `too little is kept as credit, by account and offer`() throws {
    let world = try World()
    try world.record(World.payment(1, 9), World.payment(2, 9, for: "jane"), World.payment(3, 3))
    #expect(try world.rows("SELECT * FROM credits") == ["jane|live|9"])
    #expect(try world.bought() == ["johndoe|3000|3012"])
  }

  @Test func `the sender is the account where there is no memo`() throws {
    let world = try World()
    try world.record(World.payment(5, 500, for: nil))
    let payer = try #require(World.payer)
    #expect(try world.rows("SELECT username, kind FROM accounts") == ["\(payer)|wallet"])
    #expect(try world.ledger.access(of: Array("\(payer)".utf8), nowMs: 5000).count == 1)
  }

  @Test func `what nobody can claim is kept for the seller`() throws {
    let world = try World()
    try world.record(
      World.payment(1, 500, for: "a/b"), World.payment(2, 500, offer: "none"))
    #expect(
      try world.rows("SELECT nanos, reason FROM unclaimed_payments ORDER BY paid")
        == [
          "500|the memo's username is impossible",
          "500|the memo's offer was not sold at the time",
        ])
    #expect(try world.bought().isEmpty)
    #expect(try world.ledger.isKnown(World.digest(1)))
  }

  @Test func `a pending payment is recorded, and counts once it is confirmed`() throws {
    let world = try World()
    try world.record(World.payment(5, 500, isPending: true))
    #expect(try world.rows("SELECT state, paid_at FROM payments") == ["pending|"])
    #expect(try !world.ledger.isKnown(World.digest(5)))
    #expect(try world.ledger.hasPendingPayments(sinceMs: 0))
    #expect(try !world.ledger.hasPendingPayments(sinceMs: 5000))
    #expect(try world.record(World.payment(5, 500, isPending: true)).outcomes.isEmpty)
    try world.record(World.payment(5, 500))
    #expect(try world.rows("SELECT state, paid_at FROM payments") == ["confirmed|5000"])
    #expect(try !world.ledger.hasPendingPayments(sinceMs: 0))
    #expect(try world.record(World.payment(5, 500, isPending: true)).outcomes.isEmpty)
    #expect(try world.bought() == ["johndoe|5000|5500"])
  }

  @Test func `what is no payment is recorded with the reason, and buys nothing`() throws {
    let world = try World()
    var spending = World.payment(5, 0)
    spending.rejection = "the seller's own spending"
    try world.record(spending)
    #expect(
      try world.rows("SELECT state, reason FROM payments") == ["rejected|the seller's own spending"]
    )
    #expect(try world.bought().isEmpty)
    #expect(try world.ledger.isKnown(World.digest(5)))
  }

  @Test func `names that differ only in normalisation have accounts of their own`() throws {
    let world = try World()
    try world.record(
      World.payment(1, 100, for: "caf\u{E9}"), World.payment(2, 200, for: "cafe\u{301}"))
    #expect(try world.rows("SELECT count(*) FROM accounts") == ["2"])
    let composed = try world.ledger.access(of: Array("caf\u{E9}".utf8), nowMs: 0)
    let decomposed = try world.ledger.access(of: Array("cafe\u{301}".utf8), nowMs: 0)
    #expect(composed.map(\.span) == [Span(startsAtMs: 1000, endsAtMs: 1100)])
    #expect(decomposed.map(\.span) == [Span(startsAtMs: 2000, endsAtMs: 2200)])
    #expect(try world.ledger.access(nowMs: 0).count == 2)
  }

  @Test func `the same payments make the same ledger, in whatever order they come`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<60 {
      let payments = (0..<16).map { number in
        World.payment(
          UInt8(number),
          Nanos.random(in: 1...(number.isMultiple(of: 2) ? 9 : 3000), using: &random),
          for: ["a", "b", "caf\u{E9}", "cafe\u{301}"].randomElement(using: &random),
          offer: ["live", "other", nil].randomElement(using: &random) ?? nil,
          checkpoint: Int64.random(in: 1...6, using: &random))
      }
      let bought = """
        SELECT account, offer, starts_at, ends_at, payment FROM grants
        ORDER BY account, offer, starts_at, payment
        """
      let ordered = try World()
      try ordered.record(payments)
      let shuffled = try World()
      var rest = payments.shuffled(using: &random)[...]
      while !rest.isEmpty {
        let page = rest.prefix(Int.random(in: 1...4, using: &random))
        try shuffled.record(Array(page))
        rest = rest.dropFirst(Int.random(in: 0...page.count, using: &random))
      }
      #expect(try ordered.rows(bought) == shuffled.rows(bought), "seed \(seed)")
      let credits = "SELECT * FROM credits ORDER BY account, offer"
      #expect(try ordered.rows(credits) == shuffled.rows(credits), "seed \(seed)")
    }
  }
}

struct LedgerAccessTests {
  private func access(_ world: World, _ account: String, nowMs: Int64 = 0) throws -> [String] {
    try world.ledger.access(of: Array(account.utf8), nowMs: nowMs)
      .map { "\($0.version) \($0.span.startsAtMs)-\($0.span.endsAtMs)" }
  }

  @Test func `access is what was bought, granted and not revoked`() throws {
    let world = try World()
    try world.record(World.payment(5, 1000))
    #expect(try access(world, "johndoe") == ["1 5000-6000"])
    try world.ledger.write { db in
      try db.execute(
        sql: """
          INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
            ('johndoe', 'live', 'granted', 6000, 9000), ('johndoe', 'live', 'revoked', 5500, 7000),
            ('friend', 'other', 'granted', 1, 2), ('friend', 'no such offer', 'granted', 1, 2)
          """)
    }
    #expect(try access(world, "johndoe") == ["1 5000-5500", "1 7000-9000"])
    #expect(try access(world, "johndoe", nowMs: 9000).isEmpty)
    #expect(try access(world, "friend") == ["2 1-2"])
    #expect(try world.ledger.access(nowMs: 2).keys.map { $0 } == [Array("johndoe".utf8)])
  }

  @Test func `a changed offer sells on its new terms, and honours the old ones`() throws {
    let world = try World([World.entry("live")])
    try world.record(World.payment(5, 4000))
    let changed = OfferEntry(
      terms: Offer(
        name: try #require(Name("live")), topics: [try #require(TopicFilter("new"))], price: 2,
        perMs: 1, validFromMs: 0), fromMs: nil)
    let history = try world.ledger.apply(offers: [changed], nowMs: 6000, firstFromMs: 6000)
    let position = ReadingPosition(checkpoint: 7, sinceMs: 0)
    _ = try world.ledger.record(
      PaymentPage(payments: [World.payment(7, 4000)], position: position), network: "n",
      address: World.address, offers: history, nowMs: 7000)
    #expect(try access(world, "johndoe") == ["1 5000-9000", "2 9000-11000"])
    #expect(try world.ledger.soldOffers(nowMs: 8999).map(\.id) == [1, 2])
    #expect(try world.ledger.soldOffers(nowMs: 9000).map(\.id) == [2])
  }

  @Test func `an offer that is gone stays sold until its last time has ended`() throws {
    let world = try World([World.entry("live")])
    try world.record(World.payment(5, 4000))
    _ = try world.ledger.apply(offers: [], nowMs: 6000, firstFromMs: 6000)
    #expect(try world.ledger.soldOffers(nowMs: 8999).map(\.id) == [1])
    #expect(try world.ledger.soldOffers(nowMs: 9000).isEmpty)
  }

  @Test func `the view of now says who reads, and until when`() throws {
    let world = try World()
    let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
    try world.ledger.write { db in
      for (account, kind, start, end) in [
        ("extended", "granted", -10, 1000), ("extended", "granted", 1000, 2000),
        ("cut", "granted", -10, 5000), ("cut", "revoked", 3000, 4000), ("over", "granted", -10, -5),
        ("revoked", "granted", -10, 1000), ("revoked", "revoked", -10, 1000),
        ("later", "granted", 1000, 2000),
      ] as [(String, String, Int64, Int64)] {
        try db.execute(
          sql:
            "INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES (?,'live',?,?,?)",
          arguments: [account, kind, nowMs + start * 1000, nowMs + end * 1000])
      }
    }
    let rows = try world.rows("SELECT account, round(seconds_left / 100) * 100 FROM access_now")
    #expect(rows == ["cut|3000.0", "extended|2000.0"])
    #expect(try world.rows("SELECT count(*) FROM access_log") == ["8"])
  }

  @Test func `revenue counts all that came in`() throws {
    let world = try World()
    try world.record(World.payment(1, 500), World.payment(2, 1_000_000_000, for: "a/b"))
    #expect(
      try world.rows("SELECT * FROM revenue_by_day") == ["1970-01-01|2|1000000500|1.000000500"])
  }
}

struct LedgerFileTests {
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  @Test func `nothing is ever deleted from the payments`() throws {
    let world = try World()
    try world.record(World.payment(1, 500))
    let admin = try DatabaseQueue(path: world.ledger.path)
    #expect(throws: DatabaseError.self) {
      try admin.write { try $0.execute(sql: "DELETE FROM payments") }
    }
    #expect(try world.rows("SELECT count(*) FROM payments") == ["1"])
  }

  @Test func `a failure in the middle of a page changes nothing`() throws {
    let world = try World()
    #expect(throws: LedgerError.self) {
      try world.record(World.payment(1, 500), World.payment(2, -13))
    }
    #expect(try world.rows("SELECT * FROM payments").isEmpty)
    #expect(try world.rows("SELECT * FROM grants").isEmpty)
    #expect(try world.rows("SELECT * FROM sync").isEmpty)
  }

  @Test func `it is there again after it was closed`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    do {
      let ledger = try Ledger(path: path, nowMs: 1000)
      try ledger.bind(secretFingerprint: "a")
      ledger.close()
    }
    let ledger = try Ledger(path: path, nowMs: 2000)
    #expect(try ledger.bornAtMs() == 1000)
    #expect(try ledger.isBound())
    try ledger.bind(secretFingerprint: "a")
    #expect(message { try ledger.bind(secretFingerprint: "b") }.contains("another secret_file"))
  }

  @Test func `only one may have it open`() throws {
    let world = try World()
    let path = world.ledger.path
    #expect(
      message { _ = try Ledger(path: path, nowMs: 0) }.contains("give each a ledger of its own"))
  }

  @Test func `others cannot read it`() throws {
    let world = try World()
    let attributes = try FileManager.default.attributesOfItem(atPath: world.ledger.path)
    let mode = try #require(attributes[.posixPermissions] as? Int)
    #expect(mode & 0o007 == 0)
  }

  @Test func `says what is wrong with a file that is no ledger`() throws {
    let scratch = try Scratch()
    let text = try scratch.write(String(repeating: "no database ", count: 100), to: "text")
    #expect(message { _ = try Ledger(path: text, nowMs: 0) }.contains("damaged or no ledger"))
    let missing = scratch.path("missing/ledger.db")
    #expect(message { _ = try Ledger(path: missing, nowMs: 0) }.contains("chown mosquitto:"))
    let folder = scratch.path("")
    #expect(message { _ = try Ledger(path: folder, nowMs: 0) }.contains("ledger \(folder)"))

    let foreign = scratch.path("foreign.db")
    try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (x)") }
    #expect(message { _ = try Ledger(path: foreign, nowMs: 0) }.contains("something else"))

    let newer = scratch.path("newer.db")
    try DatabaseQueue(path: newer).write { try $0.execute(sql: "PRAGMA user_version = 99") }
    #expect(message { _ = try Ledger(path: newer, nowMs: 0) }.contains("a newer version made it"))
  }

  @Test func `what another program writes is noticed`() throws {
    let world = try World()
    let before = try world.ledger.dataVersion()
    try world.record(World.payment(1, 500))
    #expect(try world.ledger.dataVersion() == before)
    let admin = try DatabaseQueue(path: world.ledger.path)
    try admin.write {
      try $0.execute(
        sql: """
          INSERT INTO grants (account, offer, kind, starts_at, ends_at)
          VALUES ('friend', 'live', 'granted', 0, 9)
          """)
    }
    #expect(try world.ledger.dataVersion() != before)
  }

  @Test func `a lock of another program does not keep a ledger from being opened`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    let entries = [try World.entry("live")]
    do {
      let ledger = try Ledger(path: path, nowMs: 1000)
      try ledger.bind(secretFingerprint: "a")
      _ = try ledger.apply(offers: entries, nowMs: 1000, firstFromMs: 0)
      ledger.close()
    }
    let admin = try DatabaseQueue(path: path)
    try admin.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(throws: Never.self) {
        let ledger = try Ledger(path: path, nowMs: 2000)
        try ledger.bind(secretFingerprint: "a")
        let history = try ledger.apply(offers: entries, nowMs: 2000, firstFromMs: 2000)
        #expect(history.versions.map(\.validFromMs) == [0])
      }
      try db.execute(sql: "ROLLBACK")
    }
  }

  @Test func `a lock of another program is told, and costs at most a fraction of a second`() throws
  {
    let world = try World()
    let admin = try DatabaseQueue(path: world.ledger.path)
    try admin.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      do {
        try world.record(World.payment(1, 500))
        Issue.record("recorded")
      } catch let error as LedgerError {
        #expect(error.code == .busy)
      }
      #expect(try world.ledger.access(nowMs: 0).isEmpty)
      try db.execute(sql: "ROLLBACK")
    }
    try world.record(World.payment(1, 500))
    #expect(try world.bought().count == 1)
  }
}

import Access
import ArgumentParser
import Configuration
import Foundation
import Ledger
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// What `paywall why` says, against the table that decides in the broker.
struct WhyCommandTests {
  private let seller: SellerLedger
  private let nowMs: Int64 = 1_795_700_000_000

  init() throws {
    seller = try SellerLedger()
  }

  private static let topics = [
    "sensor/live", "sensor/both", "sensor/1m", "history/x", "history/free", "history", "other",
    "$SYS/paywall", "$SYS/paywall/offers", "$SYS/paywall/key", "$SYS/paywallx",
    "$SYS/broker/uptime",
    "sensor/status", "/", "caf\u{E9}",
  ]

  private static let users: [String] = [
    "", "johndoe", "buyer:johndoe", "sensor-agent", "buyer:sensor-agent", SellerLedger.wallet,
    "a/b",
    "buyer:a/b", "nobody", "caf\u{E9}", "cafe\u{301}",
  ]

  /// Everything that an account may hold of an offer, as rows of `grants`.
  private func holdings(_ offer: String, _ version: Int) -> [(name: String, rows: [String])] {
    let (past, now, future) = (
      "\(nowMs - 900), \(nowMs - 100)", "\(nowMs - 100), \(nowMs + 900)",
      "\(nowMs + 100), \(nowMs + 900)"
    )
    func row(_ kind: String, _ span: String, _ version: String = "NULL") -> String {
      "'\(offer)', '\(kind)', \(span), \(version)"
    }
    let granted = row("granted", now)
    return [
      ("none", []), ("running", [granted]), ("ended", [row("made_good", past)]),
      ("later", [row("granted", future)]), ("revoked", [granted, row("revoked", now)]),
      ("revoked until it ends", [granted, row("revoked", "\(nowMs), \(nowMs + 900)")]),
      ("revoked before", [granted, row("revoked", past)]),
      ("begins now", [row("granted", "\(nowMs), \(nowMs + 1)")]),
      ("ends now", [row("granted", "\(nowMs - 1), \(nowMs)")]),
      ("of a version", [row("granted", now, "\(version)")]),
      ("of no version", [row("granted", now, "99")]),
      ("empty", [row("granted", "\(nowMs), \(nowMs)")]),
    ]
  }

  /// The table as the broker builds it, from the ledger's own rows and the file's own lines.
  private func table() throws -> AccessTable {
    let filters = { (texts: [String]) in texts.compactMap { TopicFilter($0) } }
    var accounts = AccountTable(capacity: 99)
    _ = try seller.ledger.forEachAccess(endingAfterMs: nowMs) { username, access in
      _ = accounts.set(
        access.map { OfferAccess(offer: $0.version, span: $0.span) }, of: username)
    }
    return AccessTable(
      rules: AccessRules(
        free: filters(["sensor/1m", "history/free"]),
        sold: try seller.ledger.soldOffers(nowMs: nowMs).map {
          ($0.id, $0.offer.topics, $0.offer.clients)
        },
        accounts: [
          .init(
            username: Array("sensor-agent".utf8), publish: filters(["sensor/#"]),
            read: filters(["sensor/live"]))
        ]),
      accounts: accounts)
  }

  private func why(_ user: String, _ topic: String) throws -> WhyCommand.Answer {
    try seller.command(WhyCommand.self, user, topic).answer(nowMs: nowMs)
  }

  @Test func `its verdict is the table's, and its reason is one for that, in every small world`()
    throws
  {
    var count = 0
    let configuration = try PaywallConfiguration.parse(
      SellerLedger.configuration, path: seller.scratch.path("paywall.toml"))
    let names = Self.users.filter { !$0.isEmpty && Account(username: $0) != nil }
    for live in holdings("live", 1) {
      for history in holdings("history", 2) {
        let rows = (live.rows + history.rows).flatMap { row in
          names.map { "('\($0)', \(row))" }
        }
        try seller.write("DELETE FROM grants")
        if !rows.isEmpty {
          try seller.write(
            "INSERT INTO grants (account, offer, kind, starts_at, ends_at, version) VALUES "
              + rows.joined(separator: ", "))
        }
        let table = try table()
        let reader = try LedgerReader(path: seller.ledger.path)
        for user in Self.users {
          let username = user.isEmpty ? nil : Array(user.utf8)
          let situation = try reader.situation(of: username, nowMs: nowMs)
          for topic in Self.topics {
            let why = Why(
              configuration: configuration, situation: situation, username: username,
              topic: Array(topic.utf8), nowMs: nowMs)
            let world = "\(user) \(topic), live: \(live.name), history: \(history.name)"
            let read: Decision
            let write: Decision
            if user.isEmpty {
              read = table.mayRead(topic, username: nil) { nowMs }
              write = table.mayWrite(topic, username: nil)
            } else {
              read = table.mayRead(topic, username: user) { nowMs }
              write = table.mayWrite(topic, username: user)
            }
            guard why.read == read, why.write == write, why.readReason.decision == read,
              why.writeReason.decision == write
            else {
              Issue.record(
                "\(world): \(why.read) \(why.readReason), \(why.write), not \(read) \(write)")
              continue
            }
            // Every denial has something that would change it, or a remark that says why nothing can.
            let isHopeless = why.account == nil && user.isEmpty == false
            if read == .deny, why.readAdvice(other: nil).isEmpty, !isHopeless {
              #expect(topic.hasPrefix("history"), "\(world): no advice")
            }
            count += 1
          }
        }
      }
    }
    #expect(count == 12 * 12 * Self.users.count * Self.topics.count)
  }

  @Test func `each rule has its word and its exit code`() throws {
    try seller.write(
      """
      INSERT INTO grants (id, account, offer, kind, starts_at, ends_at) VALUES
        (1, 'johndoe', 'live', 'granted', 0, \(nowMs + 90_061_000)),
        (2, 'tim', 'live', 'granted', 0, \(nowMs - 60_000)),
        (3, 'lea', 'live', 'granted', \(nowMs + 60_000), \(nowMs + 90_000)),
        (4, 'max', 'live', 'granted', 0, \(nowMs + 90_000)),
        (5, 'max', 'live', 'revoked', 0, \(nowMs + 60_000))
      """)
    let cases: [(String, String, String, Int32)] = [
      ("x", "sensor/1m", "free", 0), ("johndoe", "sensor/live", "held", 0),
      ("sensor-agent", "sensor/live", "configured", 0), ("", "sensor/live", "anonymous", 1),
      ("tim", "sensor/live", "ended", 1), ("lea", "sensor/live", "later", 1),
      ("max", "sensor/live", "revoked", 1), ("x", "sensor/live", "never", 1),
      ("x", "$SYS/paywall/offers", "offers", 0), ("x", "$SYS/paywall/key", "own", 1),
      ("sensor-agent", "$SYS/paywall/key", "own", 0), ("x", "other", "other", 3),
    ]
    for (user, topic, rule, code) in cases {
      let answer = try why(user, topic)
      #expect(answer.read?.rule == rule, "\(user) \(topic)")
      #expect(answer.exitCode == code, "\(user) \(topic)")
    }
    let publishing: [(String, String, String, Int32)] = [
      ("sensor-agent", "sensor/live", "configured", 0), ("x", "sensor/live", "sold", 1),
      ("x", "sensor/1m", "free", 1), ("x", "$SYS/paywall/offers", "own", 1),
      ("x", "other", "other", 3),
    ]
    for (user, topic, rule, code) in publishing {
      let answer = try seller.command(WhyCommand.self, user, topic, "--publish").answer(
        nowMs: nowMs)
      #expect(answer.read == nil)
      #expect(answer.publish.rule == rule, "\(user) \(topic)")
      #expect(answer.exitCode == code, "\(user) \(topic)")
    }
  }

  @Test func `it says what is held, until when, by what, and on how many connections`() throws {
    try seller.pay(1, 100, atMs: 1)
    try seller.pay(2, 100, atMs: 1, "unclaimed")
    let (one, two) = (SellerLedger.digest(1), SellerLedger.digest(2))
    try seller.write(
      """
      INSERT INTO grants (id, account, offer, kind, starts_at, ends_at, payment, version, note) VALUES
        (1, 'tim', 'live', 'bought', 0, \(nowMs + 1), '\(one)', 1, NULL),
        (2, 'tim', 'live', 'granted', 0, \(nowMs + 2), NULL, NULL, 'x'),
        (3, 'tim', 'live', 'granted', 0, \(nowMs + 3), '\(two)', 1, 'assigned: x'),
        (4, 'tim', 'live', 'made_good', 0, \(nowMs + 90_061_000), '\(one)', 1, NULL),
        (5, 'tim', 'live', 'granted', 0, 9e15, NULL, 99, NULL)
      """)
    let answer = try why("tim", "sensor/live")
    #expect(
      answer.read?.because
        == "It is sold, and tim holds 'live' until 2026-11-27T14:34:21.000Z (1d 1h left): bought with "
        + "payment \(one), granted (grants row 2), assigned with payment \(two), made good (grants "
        + "row 4). At most the 2 newest connections of the account read it at once (clients); an "
        + "older one is denied.")
    #expect(answer.remarks.count == 1)
    #expect(answer.remarks.first?.hasPrefix("grants row 5 is ignored") == true)
    #expect(answer.lines.first == "tim may read sensor/live.")
  }

  @Test func `it says what to pay, credit taken off, and with which memo`() throws {
    try seller.write("INSERT INTO credits VALUES ('tim', 'live', 7), ('tim', 'history', 500)")
    func changes(_ user: String, _ topic: String) throws -> [String] {
      try #require(try why(user, topic).read).changes
    }
    let live = try changes("tim", "sensor/live")
    #expect(
      live[0]
        == "Pay \(SellerLedger.address) with the memo {\"username\":\"tim\"}: 0.000000001 IOTA "
        + "buy 1ms of 'live'; at least 0.000000003 IOTA have to come, for 0.000000007 IOTA are there "
        + "as credit.")
    #expect(live[1] == "Give it time: paywall grant tim live 1h.")
    #expect(live[2] == "Log in as sensor-agent, who may read it without paying.")
    let history = try changes("tim", "history/x")
    #expect(history[0].contains(#"{"username":"tim","offer":"history"}"#))
    #expect(history[0].contains("at least 0.000000001 IOTA have"))
    #expect(try changes("buyer:a\"b'c", "history/x")[0].contains(#""buyer:a\"b'c""#))
    #expect(
      try changes("a'b", "sensor/live")[1] == #"Give it time: paywall grant 'a'\''b' live 1h."#)
    let wallet = try changes(SellerLedger.wallet, "sensor/live")
    #expect(wallet[0].hasPrefix("Pay \(SellerLedger.address) from that wallet, without a memo"))
    #expect(
      try changes(SellerLedger.wallet, "history/x")[0].contains("cannot be bought by a wallet"))
  }

  @Test func `it knows who was meant, and in what letters`() throws {
    try seller.write(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
        ('buyer:jane', 'live', 'granted', 0, \(nowMs + 900)),
        ('tim', 'live', 'granted', 0, \(nowMs + 900)),
        ('\(SellerLedger.wallet)', 'live', 'granted', 0, \(nowMs + 900));
      INSERT INTO accounts VALUES ('buyer:jane', 'buyer', NULL, 0)
      """)
    let jane = try #require(try why("jane", "sensor/live").read)
    #expect(jane.decision == "deny")
    #expect(jane.changes[0].hasPrefix("Log in with the buyer's password: 'buyer:jane' may read it"))
    let tim = try #require(try why("buyer:tim", "sensor/live").read)
    #expect(tim.changes[0].hasPrefix("Log in as 'tim' with a password of the broker's own"))
    let wallet = SellerLedger.wallet.replacing("ab", with: "AB")
    #expect(try why(wallet, "sensor/live").account == SellerLedger.wallet)
    #expect(try why(wallet, "sensor/live").exitCode == 0)
    #expect(
      try why("buyer:jane", "sensor/live").remarks.first?.hasPrefix("Nobody can log in as") == true)
    #expect(
      try why("buyer:tim", "sensor/live").remarks.first?.hasPrefix("There is no such buyer") == true
    )
    #expect(try why("a/b", "x").remarks.first?.hasPrefix("No payment can ever count") == true)
  }

  @Test func `it names payments that wait for the seller, or for their checkpoint`() throws {
    let memo = #"{"username":"jane","offer":"none"}"#
    try seller.pay(1, 500, atMs: 1, "unclaimed", memo: memo, reason: "no such offer")
    try seller.pay(2, 500, atMs: nil, "pending", memo: #"{"username":"buyer:jane"}"#)
    try seller.pay(3, 500, atMs: 1, "unclaimed", payer: SellerLedger.wallet, reason: "x")
    try seller.pay(4, 500, atMs: 1, "unclaimed", memo: #"{"username":"other"}"#)
    try seller.pay(5, 500, atMs: 1, "rejected", memo: memo)
    let jane = try #require(try why("buyer:jane", "sensor/live").read).changes
    let (one, two) = (SellerLedger.digest(1), SellerLedger.digest(2))
    #expect(
      Array(jane[..<2]) == [
        "Wait: payment \(two) of 0.0000005 IOTA is pending, and counts once it is in a checkpoint.",
        "Payment \(one) of 0.0000005 IOTA is unclaimed (no such offer): paywall assign \(one) "
          + "buyer:jane live.",
      ])
    #expect(jane[2].hasPrefix("Pay "))
    let wallet = try #require(try why(SellerLedger.wallet, "sensor/live").read).changes
    #expect(wallet[0].hasPrefix("Payment \(SellerLedger.digest(3)) of"))
    // What it says works.
    _ = try seller.command(AssignCommand.self, one, "buyer:jane", "live").answer(nowMs: nowMs)
    #expect(try why("buyer:jane", "sensor/live").exitCode == 0)
  }

  @Test func `a file that the broker has not read again is noticed`() throws {
    #expect(try why("x", "sensor/live").remarks.isEmpty)
    let text = SellerLedger.configuration.replacing("\"history/#\"", with: "\"history/#\", \"new\"")
    try seller.scratch.write(text, to: "paywall.toml")
    let answer = try why("x", "new")
    #expect(answer.read?.decision == "defer")
    #expect(answer.remarks.first?.contains("sells it as 'history'") == true)
    try seller.scratch.write("nonsense", to: "paywall.toml")
    #expect(throws: (any Error).self) { try why("x", "new") }
  }

  @Test func `it says what strict subscriptions add, and what a configured account lacks`() throws {
    #expect(try why("x", "sensor/live").remarks.isEmpty)
    let text = SellerLedger.configuration.replacing(
      "[access]", with: "[access]\nsubscribe = \"strict\"")
    try seller.scratch.write(text, to: "paywall.toml")
    #expect(try why("x", "sensor/live").remarks.count == 1)
    #expect(try why("sensor-agent", "sensor/live").remarks.isEmpty)
    #expect(try why("x", "other").remarks.isEmpty)
    let agent = try #require(try why("sensor-agent", "history/x").read)
    #expect(agent.decision == "deny")
    #expect(
      agent.changes.last
        == "Add \"history/x\" to 'read' of [[account]] sensor-agent, which then need not pay.")
    let publish = try why("sensor-agent", "history/x").publish
    #expect(publish.changes == ["Add \"history/x\" to 'publish' of [[account]] sensor-agent."])
  }

  @Test func `what is not sold any more cannot be bought, and a revocation is told`() throws {
    let entries = [try #require(try seller.ledger.storedOffers().first?.offer)].map {
      OfferEntry(terms: $0, fromMs: nil)
    }
    _ = try seller.ledger.apply(offers: entries, nowMs: 5000, firstFromMs: 0)
    try seller.write(
      """
      INSERT INTO grants (id, account, offer, kind, starts_at, ends_at) VALUES
        (1, 'tim', 'history', 'granted', 0, \(nowMs + 900)),
        (2, 'max', 'live', 'granted', 0, \(nowMs + 900)),
        (3, 'max', 'live', 'revoked', 0, \(nowMs + 900))
      """)
    let lea = try #require(try why("lea", "history/x").read)
    #expect(lea.changes[0] == "'history' does not sell it any more; nobody can buy it.")
    let max = try #require(try why("max", "sensor/live").read)
    #expect(max.because.contains("which is revoked until 2026-11-26T13:33:20.900Z (grants row 3)"))
    #expect(max.changes[0].contains("DELETE FROM grants WHERE id = 3"))
    #expect(!max.changes.contains { $0.contains("paywall grant") })
  }
}

import Configuration
import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import Setup
import TestSupport
import Testing

@testable import paywall

/// `paywall verify`: a ledger that is right passes, and each kind of difference is found.
@Suite(.timeLimit(.minutes(5))) struct VerifyTests {
  typealias TangleProtocol = PaywallConfiguration.TangleProtocol

  /// What was paid: two purchases, credit, something for nobody, and by wallet.
  struct Paid: Sendable {
    var first: Digest
    var second: Digest
    var credit: Digest
    var unclaimed: Digest
    var wallet: Digest
  }

  /// Runs the body an hour after some payments, which are in the ledger; `later` is half an hour after
  /// them.
  private func open(
    _ protocol: TangleProtocol = .rebasedJSONRPC,
    later: (Booth) async throws -> Void = { _ in },
    _ body: (Booth, Paid) async throws -> Void
  ) async throws {
    try await Booth.open(`protocol`, behindMs: 3_600_000) { booth in
      let paid = Paid(
        first: try await booth.pay(20_000_000, #"{"username":"johndoe"}"#),
        second: try await booth.pay(30_000_000, #"{"username":"johndoe"}"#),
        credit: try await booth.pay(1_000_000, #"{"username":"poor"}"#),
        unclaimed: try await booth.pay(20_000_000, #"{"username":"x","offer":"none"}"#),
        wallet: try await booth.pay(20_000_000))
      try await booth.record()
      booth.clock.set(behindMs: 1_800_000)
      try await later(booth)
      booth.clock.set(behindMs: 0)
      await booth.makeCheckpoint()
      try booth.sql("UPDATE meta SET value = unixepoch() * 1000 WHERE key = 'alive_at'")
      try await body(booth, paid)
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a ledger that is right has no differences`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { booth, _ in
      // What the seller does by hand is no difference.
      try booth.sql(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
          ('friend', 'live', 'granted', 1, 2), ('johndoe', 'live', 'revoked', 1, 2)
        """)
      let verified = try await booth.verify(code: 0)
      #expect(verified.differences == [] && verified.differenceCount == 0)
      #expect(verified.payments == 5 && verified.bought == 3 && verified.credits == 1)
      #expect(verified.newer == 0 && verified.taken == 0 && verified.whole)
      #expect(verified.warnings == [])
    }
  }

  /// A change to the ledger by SQL, and the kinds of differences that it makes.
  struct Change: CustomTestStringConvertible, Sendable {
    var sql: String
    var kinds: [String]

    var testDescription: String { sql }
  }

  private static let changes = [
    Change(
      sql: "UPDATE payments SET amount = amount + 1 WHERE digest = 'FIRST'", kinds: ["amount"]),
    Change(
      sql: "UPDATE payments SET payer = '0x\(String(repeating: "7", count: 64))' "
        + "WHERE digest = 'FIRST'", kinds: ["payer"]),
    Change(
      sql: "UPDATE payments SET checkpoint = checkpoint + 1 WHERE digest = 'FIRST'",
      kinds: ["checkpoint"]),
    Change(
      sql: "UPDATE payments SET paid_at = paid_at + 1000 WHERE digest = 'FIRST'", kinds: ["time"]),
    Change(
      sql: "UPDATE payments SET memo = memo || ' ' WHERE digest = 'FIRST'", kinds: ["memo"]),
    Change(
      sql: "UPDATE payments SET memo = NULL WHERE digest = 'FIRST'", kinds: ["memo"]),
    Change(
      sql: "UPDATE payments SET state = 'rejected', reason = 'x', account = NULL, offer = NULL "
        + "WHERE digest = 'FIRST'", kinds: ["state", "account", "offer"]),
    Change(
      sql: "UPDATE payments SET account = 'janedoe' WHERE digest = 'FIRST'", kinds: ["account"]),
    Change(
      sql: "UPDATE payments SET state = 'confirmed', account = 'x', offer = 'live' "
        + "WHERE digest = 'UNCLAIMED'", kinds: ["state", "account", "offer"]),
    Change(
      sql: "UPDATE payments SET state = 'pending', checkpoint = NULL, paid_at = NULL, "
        + "account = NULL, offer = NULL WHERE digest = 'CREDIT'",
      kinds: ["checkpoint", "time", "state", "account", "offer"]),
    Change(
      sql: "UPDATE grants SET ends_at = ends_at + 1 WHERE payment = 'FIRST'", kinds: ["bought"]),
    Change(sql: "DELETE FROM grants WHERE payment = 'SECOND'", kinds: ["bought"]),
    Change(
      sql: "INSERT INTO grants SELECT 99, account, offer, kind, starts_at, ends_at, payment, "
        + "version, note FROM grants WHERE payment = 'FIRST'", kinds: ["bought"]),
    Change(
      sql: "UPDATE grants SET account = 'janedoe' WHERE payment = 'FIRST'",
      kinds: ["bought", "bought"]),
    Change(
      sql: "INSERT INTO grants SELECT 99, account, offer, kind, starts_at, ends_at, 'nothing', "
        + "version, note FROM grants WHERE payment = 'FIRST'", kinds: ["bought"]),
    Change(sql: "UPDATE credits SET nanos = nanos + 1", kinds: ["credit"]),
    Change(sql: "DELETE FROM credits", kinds: ["credit"]),
    Change(sql: "INSERT INTO credits VALUES ('janedoe', 'live', 5)", kinds: ["credit"]),
  ]

  @Test func `each change to the ledger is found`() async throws {
    try await open { booth, paid in
      let original = try Data(contentsOf: URL(filePath: booth.ledger))
      for change in Self.changes {
        try original.write(to: URL(filePath: booth.ledger))
        let sql = change.sql.replacing("FIRST", with: "\(paid.first)")
          .replacing("SECOND", with: "\(paid.second)").replacing("CREDIT", with: "\(paid.credit)")
          .replacing("UNCLAIMED", with: "\(paid.unclaimed)")
        try booth.sql(sql + "; PRAGMA wal_checkpoint(TRUNCATE)")
        let verified = try await booth.verify(code: change.kinds.isEmpty ? 0 : 1)
        #expect(verified.kinds == change.kinds, "\(change.sql): \(verified.differences)")
        #expect(verified.differenceCount == change.kinds.count)
      }
    }
  }

  // MARK: - Payments that are missing, or were invented

  @Test(arguments: TangleProtocol.allCases)
  func `a payment that the broker has not recorded is found`(
    protocol: TangleProtocol
  ) async throws {
    try await open(
      `protocol`,
      later: { _ = try await $0.pay(40_000_000, #"{"username":"johndoe"}"#) }
    ) { booth, _ in
      let verified = try await booth.verify(code: 1)
      #expect(verified.kinds == ["missing", "bought"])
      #expect(Set(verified.differences.map(\.payment)).count == 1)
      #expect(verified.payments == 6)
      let text = try #require(verified.differences.first?.text)
      #expect(text.contains("0.04 IOTA") && text.contains("not in the ledger"), "\(text)")
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a payment that the broker cannot have yet is no difference`(
    protocol: TangleProtocol
  ) async throws {
    try await open(`protocol`) { booth, _ in
      try await booth.pay(40_000_000, #"{"username":"johndoe"}"#)
      try await booth.pay(1_000_000, #"{"username":"poor"}"#)
      let verified = try await booth.verify(code: 0)
      #expect(verified.newer == 2 && verified.payments == 5 && verified.differences == [])
      // A broker that does not run has it to come, however long ago it was.
      try booth.sql("UPDATE meta SET value = value - 1700000 WHERE key = 'alive_at'")
      booth.clock.set(behindMs: -1_000_000)
      await booth.makeCheckpoint()
      #expect(try await booth.verify(code: 0).newer == 2)
      // One that runs should have it.
      try booth.sql("UPDATE meta SET value = value + 2700000 WHERE key = 'alive_at'")
      #expect(try await booth.verify(code: 1).kinds == ["missing", "missing", "bought", "credit"])
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a payment that was invented is told from one that was pruned`(
    protocol: TangleProtocol
  ) async throws {
    try await open(`protocol`) { booth, paid in
      let digest = Digest(bytes: Array(repeating: 7, count: 32)).map { "\($0)" } ?? ""
      try booth.sql(
        """
        INSERT INTO payments SELECT '\(digest)', payer, verified, amount, memo, checkpoint, paid_at,
          seen_at, state, reason, account, offer FROM payments WHERE digest = '\(paid.first)'
        """)
      let invented = try await booth.verify(code: 1)
      #expect(invented.kinds == ["absent"])
      #expect(invented.differences.first?.why == "invented")
      #expect(invented.differences.first?.payment == digest)

      try await booth.setFaults(Fault(.pruned, value: booth.protocol == .stardust ? 3 : 2))
      let pruned = try await booth.verify(code: 1)
      let absent = pruned.differences.filter { $0.kind == "absent" }
      // What is unspent on Stardust is told by the indexer still.
      let forgotten = `protocol` == .stardust ? digest : "\(paid.first)"
      #expect(absent.contains { $0.payment == forgotten && $0.why == "pruned" }, "\(absent)")
      #expect(!absent.contains { $0.payment == "\(paid.wallet)" })
    }
  }

  @Test(arguments: [TangleProtocol.rebasedJSONRPC, .rebasedGraphQL])
  func `a payment to somebody else is none of the seller's`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { booth, paid in
      let digest = try await booth.pay(20_000_000, nil, to: PrivateKey().address)
      try booth.sql(
        """
        INSERT INTO payments SELECT '\(digest)', payer, verified, amount, memo, checkpoint, paid_at,
          seen_at, state, reason, account, offer FROM payments WHERE digest = '\(paid.first)'
        """)
      let verified = try await booth.verify(code: 1)
      let difference = try #require(verified.differences.only)
      #expect(difference.kind == "absent" && difference.why == "invented")
      #expect(difference.text.contains("no payment to this address"), "\(difference.text)")
    }
  }

  @Test func `a payment of the future, or with nonsense in it, is told`() async throws {
    try await open { booth, paid in
      try booth.sql(
        """
        INSERT INTO payments SELECT 'no' || char(10) || 'digest', payer, verified, amount, memo,
          9223372036854775807, 9223372036854775807, seen_at, state, reason, account, offer
          FROM payments WHERE digest = '\(paid.first)'
        """)
      let verified = try await booth.verify(code: 1)
      let difference = try #require(verified.differences.only)
      #expect(difference.kind == "absent" && difference.why == "invented")
      #expect(difference.text.contains("no·digest"))
    }
  }

  // MARK: - Parts of the time

  @Test(arguments: TangleProtocol.allCases)
  func `from and until limit what is compared, and what was before still counts`(
    protocol: TangleProtocol
  ) async throws {
    try await open(`protocol`) { booth, paid in
      let times = try booth.sql("SELECT paid_at FROM payments ORDER BY paid_at").map {
        Moment.describe(ms: Int64($0) ?? 0)
      }
      // The second purchase begins where the first one ends, which is before --from.
      let later = try await booth.verify("--from", times[1], code: 0)
      #expect(later.taken == 1 && later.payments == 4 && later.bought == 2 && later.credits == 1)
      let earlier = try await booth.verify("--to", times[0], code: 0)
      #expect(earlier.payments == 1 && earlier.bought == 1)
      try booth.sql("UPDATE payments SET amount = 5 WHERE digest = '\(paid.first)'")
      #expect(try await booth.verify("--from", times[2], code: 0).payments == 3)
      #expect(try await booth.verify("--to", times[1], code: 1).kinds == ["amount"])
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a seller who has moved to another address finds no differences`(
    protocol: TangleProtocol
  ) async throws {
    let next = PrivateKey().address
    let moving = { @Sendable (booth: Booth) async throws -> Void in
      try booth.replace(booth.address, with: "\(next)")
      // Nobody reads this one any more.
      try await booth.pay(20_000_000)
      try await booth.pay(20_000_000, #"{"username":"johndoe"}"#, to: next)
      try await booth.record()
    }
    try await open(`protocol`, later: moving) { booth, _ in
      let verified = try await booth.verify(code: 0)
      #expect(verified.payments == 6 && verified.bought == 4)
      try booth.setUpBroker()
      #expect(try await booth.check().code == 0)
    }
  }

  @Test func `times that are none are wrong usage`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      #expect(try await booth.paywall("verify", "--from", "yesterday").code == 64)
      let turned = try await booth.paywall(
        "verify", "--from", "2026-12-02T00:00:00Z", "--to", "2026-12-01T00:00:00Z")
      #expect(turned.code == 64)
    }
  }

  // MARK: - Nothing to compare with

  @Test(arguments: TangleProtocol.allCases)
  func `a tangle that cannot be read is no difference`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { booth, _ in
      try await booth.setFaults(Fault(.wrongNetwork))
      let wrong = try await booth.paywall("verify")
      #expect(wrong.code == 2 && wrong.output.isEmpty)
      #expect(wrong.errors.contains("network"), "\(wrong.errors)")
    }
  }

  @Test func `nodes that are down are waited for, and then told`() async throws {
    try await open { booth, _ in
      try booth.replace(booth.node, with: "http://127.0.0.1:1")
      let down = try await booth.paywall("verify")
      #expect(down.code == 2 && down.output.isEmpty)
      #expect(down.errors.contains("http://127.0.0.1:1"), "\(down.errors)")
    }
  }

  @Test func `what a node names and does not tell is not taken for equal`() async throws {
    try await open { booth, paid in
      try await booth.setFaults(Fault(.missingBalanceChanges))
      let verified = try await booth.verify(code: 1)
      #expect(!verified.whole && !verified.warnings.isEmpty)
      #expect(verified.differences.allSatisfy { $0.kind != "absent" || $0.why == "pruned" })
    }
    // Nothing is in the ledger either: nothing is known.
    try await Booth.open(.rebasedJSONRPC, behindMs: 3_600_000) { booth in
      try await booth.record()
      try await booth.pay(20_000_000)
      booth.clock.set(behindMs: 0)
      await booth.makeCheckpoint()
      try await booth.setFaults(Fault(.missingBalanceChanges))
      #expect(try await !booth.verify(code: 2).whole)
    }
  }

  @Test func `a node that fails now and then is read to the end`() async throws {
    try await open { booth, _ in
      try await booth.setFaults(
        Fault(.serverError, probability: 0.4), Fault(.truncated, probability: 0.2))
      #expect(try await booth.verify(code: 0).payments == 5)
    }
  }

  @Test func `another secret, or an older ledger, is not compared`() async throws {
    try await open { booth, _ in
      try booth.sql("PRAGMA user_version = 1")
      #expect(try await booth.paywall("verify").code == 2)
      #expect(try booth.sql("PRAGMA user_version") == ["1"])
      try booth.write(String(repeating: "ab", count: 32), to: "paywall.key")
      let other = try await booth.paywall("verify")
      #expect(other.code == 2)
    }
  }

  @Test func `nothing is left in the temporary folder`() async throws {
    try await open { booth, _ in
      func left() throws -> Set<String> {
        let folder = FileManager.default.temporaryDirectory.path
        return Set(
          try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasPrefix("paywall-verify-") })
      }
      // Other tests have theirs meanwhile; none of them lasts.
      let before = try left()
      _ = try await booth.verify(code: 0)
      #expect(eventually(within: 60) { (try? left().subtracting(before).isEmpty) ?? false })
    }
  }

  @Test func `two nodes that have to agree are read too`() async throws {
    try await open { booth, _ in
      let relay = try RelayNode(to: booth.node)
      try booth.replace(
        #"nodes = ["\#(booth.node)"]"#,
        with: #"nodes = ["\#(relay.url)", "\#(booth.node)"]"# + "\nagree = 2")
      #expect(try await booth.verify(code: 0).payments == 5)
    }
  }

  @Test func `the names of sealed memos are judged with the broker's secret`() async throws {
    let sealing = { (booth: Booth) async throws -> Void in
      let master = try MasterSecret.load(path: booth.path("paywall.key"), mayCreate: false)
      for password in ["first", "second", "first"] {
        let login = #"{"username":"jane","password":"\#(password)"}"#
        let sealed = try #require(master.newMemoKey().seal(Array(login.utf8)))
        try await booth.pay(20_000_000, #"{"sealed":"\#(sealed)"}"#)
      }
      try await booth.record()
    }
    try await open(later: sealing) { booth, _ in
      #expect(
        try booth.sql("SELECT count(*) FROM payments WHERE account = 'buyer:jane'") == ["2"])
      #expect(try await booth.verify(code: 0).payments == 8)
      let last = try booth.sql(
        "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', max(paid_at) / 1000.0, 'unixepoch') FROM payments")
      let later = try await booth.verify("--from", try #require(last.first), code: 0)
      #expect(later.payments == 1 && later.taken == 7)
    }
  }
}

extension Collection {
  /// The one element; nil where there are none, or more.
  fileprivate var only: Element? { count == 1 ? first : nil }
}

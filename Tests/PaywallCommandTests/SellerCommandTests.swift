import ArgumentParser
import Foundation
import GRDB
import Ledger
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// What `paywall access`, `payments`, `assign` and `backup` answer.
struct SellerCommandTests {
  private let seller: SellerLedger
  private let nowMs: Int64 = 1_795_700_000_000

  init() throws {
    seller = try SellerLedger()
  }

  /// What programs are given.
  private func json(_ answer: some Encodable) throws -> String {
    String(decoding: try OutputOptions.encoder.encode(answer), as: UTF8.self)
  }

  @Test func `access says who reads what until when, and with --all what is over`() throws {
    try seller.write(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
        ('buyer:jane', 'live', 'granted', \(nowMs - 5000), \(nowMs + 90_061_000)),
        ('johndoe', 'live', 'granted', 0, \(nowMs)),
        ('johndoe', 'history', 'granted', \(nowMs + 1), \(Int64.max))
      """)
    let now = try seller.command(AccessCommand.self)
    let rows = try now.rows(nowMs: nowMs)
    #expect(
      now.lines(rows, width: 80) == [
        "ACCOUNT     OFFER  UNTIL                  LEFT",
        "buyer:jane  live   2026-11-27T14:34:21Z  1d 1h",
      ])
    #expect(
      try json(rows) == """
        [{"account":"buyer:jane","from":"2026-11-26T13:33:15.000Z","left_ms":90061000,\
        "offer":"live","state":"now","until":"2026-11-27T14:34:21.000Z"}]
        """)
    let all = try seller.command(AccessCommand.self, "--all")
    #expect(
      try all.lines(all.rows(nowMs: nowMs), width: 99) == [
        "ACCOUNT     OFFER    STATE  FROM                  UNTIL                     LEFT",
        "buyer:jane  live     now    2026-11-26T13:33:15Z  2026-11-27T14:34:21Z     1d 1h",
        "johndoe     history  later  2026-11-26T13:33:20Z  9999-12-31T23:59:59Z  for ever",
        "johndoe     live     ended  1970-01-01T00:00:00Z  2026-11-26T13:33:20Z         -",
      ])
    let one = try seller.command(
      AccessCommand.self, "--all", "--account", "johndoe", "--offer", "live")
    #expect(try one.rows(nowMs: nowMs).map(\.state) == [.ended])
    let none = try seller.command(AccessCommand.self, "--account", "nobody")
    #expect(none.lines(try none.rows(nowMs: nowMs), width: 80).count == 1)
  }

  @Test func `payments are shown newest first, fit the terminal, and harm it not`() throws {
    try seller.pay(1, 1_500_000_000, atMs: nowMs - 1000)
    try seller.pay(
      2, 7, atMs: nowMs, "unclaimed",
      reason: "a reason\u{1B}[2J that is so long that it has no room")
    let command = try seller.command(PaymentsCommand.self, "--limit", "2")
    let payments = try command.payments()
    #expect(payments.map(\.digest) == [SellerLedger.digest(2), SellerLedger.digest(1)])
    for width in [60, 80, 100, 140, 300] {
      let lines = command.lines(payments, width: width)
      #expect(lines.count == 3)
      // Time, amount, state and the least of the others are not cut.
      #expect(lines.allSatisfy { TextWidth.of($0) <= max(width, 99) }, "\(width): \(lines)")
      #expect(!lines.joined().unicodeScalars.contains("\u{1B}"))
      #expect(lines[1].contains("0.000000007") && lines[2].contains("1.500000000"))
    }
    let report = try json(payments.map(PaymentReport.init))
    #expect(report.contains(#""amount_iota":"1.5","amount_nanos":1500000000"#))
    #expect(report.contains(#""verified":true"#))
    #expect(report.contains(#""paid_at":"2026-11-26T13:33:20.000Z""#))
  }

  @Test func `payments are chosen by account, state and time`() throws {
    for number in UInt8(1)...4 { try seller.pay(number, 5, atMs: Int64(number) * 86_400_000) }
    try seller.pay(5, 5, atMs: 432_000_000, account: "tim")
    try seller.pay(6, 5, atMs: nil, "pending")
    func numbers(_ arguments: String...) throws -> [String] {
      let command = try #require(
        try Paywall.parseAsRoot(["payments"] + arguments + seller.options) as? PaymentsCommand)
      return try command.payments().map(\.digest)
    }
    func digests(_ numbers: UInt8...) -> [String] { numbers.map(SellerLedger.digest) }
    #expect(try numbers() == digests(6, 5, 4, 3, 2, 1))
    #expect(try numbers("--account", "tim") == digests(5))
    #expect(try numbers("--state", "pending") == digests(6))
    #expect(try numbers("--from", "1970-01-03", "--to", "1970-01-05T00:00:00Z") == digests(3, 2))
    #expect(try numbers("--from", "7d").isEmpty)
    #expect(try numbers("--to", "7d", "--limit", "1") == digests(6))
  }

  @Test(arguments: [
    ["payments", "--from", "yesterday"], ["payments", "--limit", "0"],
    ["payments", "--state", "x"],
    ["payments", "--from", "1d", "--to", "2d"], ["access", "--account", "a/b"],
    ["revenue", "--by", "year"], ["revenue", "--plot", "--json"], ["export"],
    ["export", "--csv", "--json"], ["why", "jane", "sensor/#"], ["why", "jane", "a/+/b"],
    ["why", "jane", ""], ["why", "jane", "$share/g/x"],
    ["assign", "0OIl", "jane"], ["assign", "abc", "jane"], ["backup"],
  ])
  func `wrong usage is told as such`(arguments: [String]) {
    let error = #expect(throws: (any Error).self) {
      _ = try Paywall.parseAsRoot(arguments)
    }
    if let error { #expect(Paywall.exitCode(for: error).rawValue == 64, "\(arguments)") }
  }

  @Test func `assign answers what it gives, and to whom`() throws {
    try seller.pay(1, 90_000, atMs: 2000, "unclaimed", reason: "the sender is not known")
    let digest = SellerLedger.digest(1)
    let command = try seller.command(AssignCommand.self, "\(digest.prefix(12))…", "buyer:jane")
    let answer = try command.answer(nowMs: nowMs)
    #expect(
      answer.lines == [
        "Assigned 0.00009 IOTA of \(digest) to buyer:jane: 'live' until 2026-11-26T13:34:50.000Z "
          + "(grants row 1); the broker knows within a second.",
        "No payment has ever counted for buyer:jane; look whether it is spelt right.",
      ])
    #expect(
      try json(answer) == """
        {"account":"buyer:jane","amount_nanos":90000,"from":"2026-11-26T13:33:20.000Z",\
        "is_account_new":true,"offer":"live","payment":"\(digest)","row":1,"until":"2026-11-26T13:34:50.000Z"}
        """)
    let again = #expect(throws: LedgerError.self) { try command.answer(nowMs: nowMs) }
    try seller.write("INSERT INTO accounts VALUES ('buyer:jane', 'buyer', NULL, 0)")
    #expect(again?.reason.contains("was assigned to buyer:jane already") == true)
    try seller.pay(2, 90_000, atMs: 2000, "unclaimed")
    let other = try seller.command(
      AssignCommand.self, SellerLedger.digest(2), "buyer:jane", "live", "--note", "why")
    let second = try other.answer(nowMs: nowMs)
    #expect(second.lines.count == 2)
    #expect(
      second.lines.last
        == "buyer:jane holds 'live' until 2026-11-26T13:34:50.000Z anyway; both times run side by side."
    )
    #expect(
      try seller.command(AccessCommand.self).rows(nowMs: nowMs).map(\.until)
        == ["2026-11-26T13:34:50.000Z"])
  }

  @Test func `backup says how many payments the copy holds, and what it does not`() throws {
    try seller.pay(1, 5, atMs: nowMs)
    let copy = seller.scratch.path("copy.db")
    let answer = try seller.command(BackupCommand.self, copy).answer()
    #expect(
      answer.lines == [
        "\(copy) holds 1 payments, the newest of 2026-11-26T13:33:20.000Z "
          + "(\(answer.bytes) bytes, checked).",
        "The secret_file \(seller.scratch.path("paywall.key")) is not in it; keep a copy of that too.",
      ])
    #expect(throws: BackupError.self) { try seller.command(BackupCommand.self, copy).answer() }
    #expect(try seller.command(BackupCommand.self, copy, "--force").answer().payments == 1)
    let plain = try #require(
      try Paywall.parseAsRoot([
        "backup", seller.scratch.path("other.db"), "--ledger", seller.ledger.path,
      ]) as? BackupCommand)
    #expect(
      try plain.answer().lines.last == "The secret_file is not in it; keep a copy of that too.")
  }
}

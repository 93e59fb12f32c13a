import ArgumentParser
import Foundation
import Ledger
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// What `paywall export` writes.
struct ExportCommandTests {
  private let seller: SellerLedger

  init() throws {
    seller = try SellerLedger()
  }

  private func export(_ arguments: String...) throws -> [UInt8] {
    let command = try #require(
      try Paywall.parseAsRoot(["export"] + arguments + seller.options) as? ExportCommand)
    var bytes: [UInt8] = []
    try command.write { bytes += $0 }
    return bytes
  }

  /// A strict reader of RFC 4180.
  private func records(_ bytes: [UInt8]) throws -> [[String]] {
    var records: [[String]] = []
    var fields: [String] = []
    var field: [UInt8] = []
    var rest = bytes[...]
    func ended(_ field: [UInt8]) throws -> String {
      try #require(String(validating: field, as: UTF8.self))
    }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""):
        #expect(field.isEmpty, "a quote within a field")
        while let quoted = rest.popFirst() {
          if quoted == UInt8(ascii: "\"") {
            guard rest.first == UInt8(ascii: "\"") else { break }
            rest.removeFirst()
          }
          field.append(quoted)
        }
        #expect(rest.first == UInt8(ascii: ",") || rest.first == UInt8(ascii: "\r"))
      case UInt8(ascii: ","):
        fields.append(try ended(field))
        field = []
      case UInt8(ascii: "\r"):
        #expect(rest.popFirst() == UInt8(ascii: "\n"))
        records.append(fields + [try ended(field)])
        (fields, field) = ([], [])
      default:
        #expect(byte != UInt8(ascii: "\n"), "a bare line feed")
        field.append(byte)
      }
    }
    #expect(field.isEmpty && fields.isEmpty, "the last line has no end")
    return records
  }

  @Test func `CSV has a header, CR LF, and every field of every payment, the oldest first`() throws
  {
    try seller.pay(
      2, 1_500_000_000, atMs: 90_000_000, memo: #"{"username":"a, b","x":"\n"}"#,
      payer: SellerLedger.wallet)
    try seller.pay(1, 7, atMs: 5000, "unclaimed", reason: "two\nlines")
    try seller.pay(3, 9, atMs: nil, "pending")
    let records = try records(export("--csv"))
    #expect(records[0] == ExportedPayment.names)
    #expect(
      records[1] == [
        SellerLedger.digest(1), "1970-01-01T00:00:05.000Z", "1970-01-01T00:00:05.300Z", "unclaimed",
        "7", "0.000000007", "", "", "two\nlines", "", "", "true", "1", "",
      ])
    #expect(
      records[2] == [
        SellerLedger.digest(2), "1970-01-02T01:00:00.000Z", "1970-01-02T01:00:00.300Z", "confirmed",
        "1500000000", "1.5", "johndoe", "live", "", "", SellerLedger.wallet, "true", "2",
        #"{"username":"a, b","x":"\n"}"#,
      ])
    #expect(
      records[3].prefix(4) == [SellerLedger.digest(3), "", "1970-01-01T00:00:05.300Z", "pending"])
    #expect(try self.records(export("--csv", "--from", "1970-01-02")).count == 2)
    #expect(try self.records(export("--csv", "--to", "1970-01-02")).count == 3)
  }

  @Test(arguments: ["=", "+", "-", "@", "\t", "\r", "\n", "\u{FF1D}", "'"])
  func `what a spreadsheet would run is made harmless, and can be had back`(start: String) throws {
    let text = "\(start)cmd|' /C calc'!A0,\"x\""
    try seller.pay(1, 7, atMs: 5000, "unclaimed", memo: text, reason: text)
    let record = try #require(try records(export("--csv")).last)
    for index in [8, 13] {
      #expect(record[index].utf8.elementsEqual("'\(text)".utf8))
      #expect(String(record[index].unicodeScalars.dropFirst()) == text)
    }
    let json = try JSONSerialization.jsonObject(with: Data(try export("--json")))
    #expect((json as? [[String: Any]])?.first?["memo"] as? String == text)
  }

  @Test func `a quote behind which an accent follows ends no field`() throws {
    let text = "a\"\u{301},b"
    try seller.pay(1, 7, atMs: 5000, "unclaimed", memo: text, reason: text)
    let record = try #require(try records(export("--csv")).last)
    #expect(record.count == ExportedPayment.names.count)
    #expect([8, 13].allSatisfy { record[$0].utf8.elementsEqual(text.utf8) })
  }

  @Test func `JSON is one array with nulls, exact numbers and any text`() throws {
    #expect(try String(decoding: export("--json"), as: UTF8.self) == "[\n]\n")
    let memo =
      String(String.UnicodeScalarView((1...0x7F).compactMap { Unicode.Scalar($0) })) + "é\u{2028}"
    try seller.pay(1, .max, atMs: 5000, memo: memo)
    try seller.pay(2, 0, atMs: nil, "pending")
    let bytes = try export("--json")
    let array = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes)) as? [[String: Any]])
    #expect(array.count == 2)
    #expect(array[0].keys.sorted() == ExportedPayment.names.sorted())
    #expect((array[0]["memo"] as? String)?.utf8.elementsEqual(memo.utf8) == true)
    #expect(array[0]["amount_nanos"] as? Int64 == .max)
    #expect(array[0]["amount_iota"] as? String == "9223372036.854775807")
    #expect(array[0]["verified"] as? Bool == true)
    #expect(array[1]["paid_at"] is NSNull && array[1]["account"] is NSNull)
    #expect(String(decoding: bytes, as: UTF8.self).split(separator: "\n").count == 4)
  }

  @Test func `an assigned payment says to whom`() throws {
    try seller.pay(1, 90_000, atMs: 2000, "unclaimed")
    _ = try seller.command(AssignCommand.self, SellerLedger.digest(1), "buyer:jane")
      .answer(nowMs: 9000)
    #expect(try records(export("--csv")).last?[9] == "buyer:jane")
  }

  @Test func `many payments are written piece by piece`() throws {
    try seller.write(
      """
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO payments
        SELECT 'p' || i, NULL, 1, i, NULL, i, i, i, 'confirmed', NULL, 'a', 'live' FROM n
      """)
    let command = try seller.command(ExportCommand.self, "--json")
    var sizes: [Int] = []
    try command.write { sizes.append($0.count) }
    #expect(sizes.count > 10)
    #expect(sizes.allSatisfy { $0 < OutputBuffer.size + 1000 })
    #expect(throws: CancellationError.self) { try command.write { _ in throw CancellationError() } }
  }

  @Test func `a file is written whole, for its owner alone, or not at all`() throws {
    let file = seller.scratch.path("e.csv")
    try seller.scratch.write("old", to: "e.csv")
    try seller.pay(1, 7, atMs: 5000)
    try seller.command(ExportCommand.self, "--csv", "--output", file).run()
    #expect(try records(Array(Data(contentsOf: URL(filePath: file)))).count == 2)
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    try seller.write("PRAGMA user_version = 99")
    #expect(throws: LedgerError.self) {
      try seller.command(ExportCommand.self, "--csv", "--output", file).run()
    }
    #expect(try records(Array(Data(contentsOf: URL(filePath: file)))).count == 2)
    #expect(throws: NewFileError.self) {
      try seller.command(ExportCommand.self, "--csv", "--output", "/proc/none/x").run()
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: seller.scratch.url.path)
    #expect(!names.contains { $0.hasPrefix("e.csv.") })
  }
}

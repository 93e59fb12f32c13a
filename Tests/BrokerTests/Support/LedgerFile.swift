import Foundation
import TestSupport

/// The ledger as an admin sees it: through the `sqlite3` command, while the broker runs.
struct LedgerFile {
  let path: String

  /// A row of `grants`.
  struct Grant: Decodable, Hashable {
    var account: String
    var offer: String
    var kind: String
    var starts_at: Int64
    var ends_at: Int64
  }

  /// A row of `payments`.
  struct Payment: Decodable, Hashable {
    var digest: String
    var payer: String?
    var amount: Int64
    var state: String
    var reason: String?
    var account: String?
    var offer: String?
  }

  /// The grants in the order in which they start.
  ///
  /// But for what is made good: on a busy machine any payment may become known late.
  func grants(of account: String? = nil) throws -> [Grant] {
    let condition = account.map { " AND account = '\($0)'" } ?? ""
    return try rows(
      "SELECT * FROM grants WHERE kind <> 'made_good'\(condition) ORDER BY starts_at, id")
  }

  /// The payments in the order in which they were made.
  func payments() throws -> [Payment] {
    try rows("SELECT * FROM payments ORDER BY paid_at, seen_at")
  }

  /// One payment; nil where it is not there yet.
  func payment(_ digest: String) throws -> Payment? {
    try rows("SELECT * FROM payments WHERE digest = '\(digest)'", as: Payment.self).first
  }

  /// Waits until a payment is final.
  ///
  /// - Throws: Where it is not in time.
  @discardableResult
  func settled(_ paid: Buyer.Paid, withinS timeoutS: Double = 10) throws -> Payment {
    try settled(digest: paid.digest, withinS: timeoutS)
  }

  /// The same, by its digest.
  @discardableResult
  func settled(digest: String, withinS timeoutS: Double = 10) throws -> Payment {
    var payment: Payment?
    let isSettled = try eventually(within: timeoutS) {
      payment = try self.payment(digest)
      return payment.map { $0.state != "pending" } ?? false
    }
    guard isSettled, let payment else {
      throw TestFailure("the payment \(digest) is not in the ledger after \(timeoutS) s")
    }
    return payment
  }

  /// Reads rows.
  func rows<Row: Decodable>(_ sql: String, as: Row.Type = Row.self) throws -> [Row] {
    let output = try ChildProcess.run([
      "sqlite3", "-readonly", "-json", "-cmd", ".timeout 5000", path, sql,
    ])
    guard !output.isEmpty else { return [] }
    return try JSONDecoder().decode([Row].self, from: Data(output.utf8))
  }

  /// Writes, as an admin would.
  func execute(_ sql: String) throws {
    try ChildProcess.run(["sqlite3", "-bail", "-cmd", ".timeout 5000", path, sql])
  }
}

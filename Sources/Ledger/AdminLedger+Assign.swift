import Foundation
import GRDB
public import PaywallCore

extension AdminLedger {
  /// What an assignment has changed.
  public struct Assigned: Hashable, Sendable {
    /// The payment's digest.
    public var payment: String
    /// The offer.
    public var offer: Name
    /// What was paid.
    public var amountNanos: Nanos
    /// The new row.
    public var written: Written
    /// Whether no payment has ever counted for the account.
    public var isAccountNew: Bool
    /// What the account held already of the new row's time, which is not given twice.
    public var overlap: [Span]
  }

  /// Gives the time of an unclaimed payment to an account.
  ///
  /// It is a row of the kind `granted`, so that what is bought stays a function of the tangle's
  /// history; it names the payment, which is how a second assignment is noticed.
  ///
  /// - Parameters:
  ///   - name: The payment's digest, or its beginning where that is no other's.
  ///   - account: The account; it need not have paid before.
  ///   - offer: The offer's name; nil: the one that the memo names, or else the first that was sold
  ///     when the payment was made.
  ///   - note: Why, for the seller; nil: a sentence that names the amount.
  ///   - nowMs: From when, in Unix milliseconds.
  /// - Returns: What has changed.
  /// - Throws: `LedgerError`; `invalid` where the payment cannot be assigned, or buys nothing.
  public func assign(
    _ name: String, to account: Account, offer: Name?, note: String?, nowMs: Int64
  ) throws(LedgerError) -> Assigned {
    try connection.write { db in
      try Schema.requireCurrent(db, path: connection.path)
      let payment = try unclaimed(name, db)
      let (version, offer) = try terms(for: payment, named: offer, db)
      let lengthMs = offer.boughtMs(for: payment.amountNanos)
      guard lengthMs > 0 else {
        throw refusal(
          "\(Amount.describe(payment.amountNanos)) of payment \(payment.digest) buys less than "
            + "a millisecond of '\(offer.name)'; refund it, or use paywall grant")
      }
      let (end, isEndless) = nowMs.addingReportingOverflow(lengthMs)
      let span = Span(startsAtMs: nowMs, endsAtMs: isEndless ? .max : end)
      let held = try held(by: account, offer.name, afterMs: nowMs, db).spans
      let written = try write(
        .granted, account, offer.name, span,
        Self.note(note, for: payment), paid: (payment.digest, version), nowMs: nowMs, db)
      return Assigned(
        payment: payment.digest, offer: offer.name, amountNanos: payment.amountNanos,
        written: written, isAccountNew: try isNew(account, db),
        overlap: held.filter { $0.startsAtMs < span.endsAtMs && span.startsAtMs < $0.endsAtMs })
    }
  }

  private func isNew(_ account: Account, _ db: Database) throws -> Bool {
    try Prepared("SELECT 1 FROM accounts WHERE username = ?", db)
      .first(.bytes(account.username)) { $0.integer(0) } == nil
  }

  private func refusal(_ reason: String) -> LedgerError {
    LedgerError(code: .invalid, path: connection.path, reason: reason)
  }

  /// The payment of a name, which is a digest or its beginning.
  private func payment(_ name: String, _ db: Database) throws -> PaymentRecord {
    var found: [PaymentRecord] = []
    // Digests are ASCII: what begins with a name lies between it and the same with a DEL.
    let statement = try Prepared(
      "SELECT \(PaymentRecord.columns) FROM payments WHERE digest >= ? AND digest < ? LIMIT 2", db)
    try statement.forEach(.text(name), .text(name + "\u{7F}")) { row in
      found.append(PaymentRecord(row))
      return true
    }
    guard let first = found.first else {
      throw refusal(
        "payment \(name) is not in it; the broker has not seen it, or it went to another address")
    }
    guard found.count == 1 else {
      throw refusal("several payments begin with \(name); write more of the digest")
    }
    return first
  }

  /// A payment that may be assigned.
  private func unclaimed(_ name: String, _ db: Database) throws -> PaymentRecord {
    let found = try payment(name, db)
    let digest = found.digest
    switch PaymentState(rawValue: found.state) {
    case .unclaimed: break
    case .pending:
      throw refusal(
        "payment \(digest) is pending: it is in no checkpoint yet, and may still count for somebody "
          + "by itself; wait")
    case .rejected:
      throw refusal(
        "payment \(digest) is no payment (\(found.reason ?? "rejected")); use paywall grant to give "
          + "time for nothing")
    case .confirmed, nil:
      throw refusal(
        "payment \(digest) is not unclaimed: it counts for \(found.account ?? "somebody") already "
          + "('\(found.offer ?? "?")')")
    }
    if let assignedTo = found.assignedTo {
      throw refusal(
        "payment \(digest) was assigned to \(assignedTo) already; its row in grants names it, and "
          + "deleting that row takes the assignment back")
    }
    return found
  }

  /// The version of the offer that was in force when the payment was made, and its row.
  private func terms(
    for payment: PaymentRecord, named name: Name?, _ db: Database
  ) throws -> (row: Int64, offer: Offer) {
    let paidAtMs = payment.paidAtMs ?? 0
    if let name { try requireOffer(name, db) }
    let sold = try Ledger.storedOffers(db, path: connection.path)
      .filter { $0.offer.isInForce(atMs: paidAtMs) }
    let wanted = try name?.bytes ?? namedOffer(of: payment, db)
    guard let stored = sold.first(where: { wanted == nil || $0.offer.name.bytes == wanted }) else {
      let shown = wanted.map { String(decoding: $0, as: UTF8.self) }
      let time = Date(timeIntervalSince1970: Double(paidAtMs / 1000)).formatted(.iso8601)
      let names = sold.map { "\($0.offer.name)" }.joined(separator: ", ")
      throw refusal(
        "\(shown.map { "'\($0)'" } ?? "nothing") was\(shown == nil ? "" : " not") sold when payment "
          + "\(payment.digest) was made (\(time)); "
          + (sold.isEmpty
            ? "use paywall grant to give time without it" : "name an offer that was: \(names)"))
    }
    return (stored.id, stored.offer)
  }

  /// The offer that the memo names, which of a sealed one is in `claims`.
  private func namedOffer(of payment: PaymentRecord, _ db: Database) throws -> [UInt8]? {
    if case .plain(_, let offer) = payment.readMemo { return offer }
    return try Prepared("SELECT offer FROM claims WHERE payment = ?", db)
      .first(.text(payment.digest)) { $0.bytes(0) }
  }

  /// Never the note by which provisional access is known.
  private static func note(_ note: String?, for payment: PaymentRecord) -> String {
    let amount = "assigned: \(Amount.describe(payment.amountNanos))"
    return note.map { "\(amount); \($0)" } ?? amount
  }
}

import GRDB
import Glibc
public import PaywallCore

/// The ledger as another program than the broker opens it, to add what the seller grants or revokes.
///
/// It leaves the WAL to the broker: it never moves it into the file, not even when it closes last.
/// (SQLite before 3.51.3 can corrupt a WAL when two processes checkpoint and write at once:
/// https://sqlite.org/wal.html#walresetbug.) The broker sees what it writes within a second.
public final class AdminLedger {
  /// What a grant or a revocation has changed.
  public struct Written: Hashable, Sendable {
    /// The new row in `grants`.
    public var row: Int64
    /// When it holds.
    public var span: Span
    /// All access of the account to the offer that has not ended, revocations taken off.
    public var access: [Span]
    /// Rows in `grants` that take away a part of the new row's time.
    public var revocations: [Int64]
  }

  let connection: Connection

  /// Opens a ledger that there is.
  ///
  /// - Parameter path: The file.
  /// - Throws: `LedgerError`.
  public init(path: String) throws(LedgerError) {
    guard access(path, F_OK) == 0 else { throw LedgerError(missing: path, errno) }
    connection = try Connection(path: path, Connection.besideBroker)
    _ = try connection.run { try Schema.requireLedger($0, path: path) }
  }

  /// Gives an account time that it need not pay for, of every version of an offer.
  ///
  /// - Parameters:
  ///   - account: The account; it need not have paid before.
  ///   - offer: The offer's name.
  ///   - span: When, in Unix milliseconds.
  ///   - note: Why, for the seller.
  ///   - nowMs: The time, in Unix milliseconds: what ended before is not told.
  /// - Returns: What has changed.
  /// - Throws: `LedgerError`; `invalid` where there is no such offer.
  public func grant(
    to account: Account, offer: Name, span: Span, note: String?, nowMs: Int64
  ) throws(LedgerError) -> Written {
    try connection.write { db in
      try requireOffer(offer, db)
      return try write(.granted, account, offer, span, note, nowMs: nowMs, db)
    }
  }

  /// Takes time away from an account, whatever has given it.
  ///
  /// - Parameters:
  ///   - account: The account.
  ///   - offer: The offer's name.
  ///   - startMs: From when, in Unix milliseconds.
  ///   - lengthMs: For how long; nil: all that there is now.
  ///   - note: Why, for the seller.
  ///   - nowMs: The time, in Unix milliseconds: what ended before is not told.
  /// - Returns: What has changed.
  /// - Throws: `LedgerError`; `invalid` where there is no such offer, or nothing to take away.
  public func revoke(
    from account: Account, offer: Name, fromMs startMs: Int64, lengthMs: Int64?, note: String?,
    nowMs: Int64
  ) throws(LedgerError) -> Written {
    try connection.write { db in
      try requireOffer(offer, db)
      let endMs: Int64
      if let lengthMs {
        let (sum, isEndless) = startMs.addingReportingOverflow(lengthMs)
        endMs = isEndless ? .max : sum
      } else {
        guard let last = try held(by: account, offer, afterMs: max(startMs, nowMs), db).spans.last
        else {
          throw LedgerError(
            code: .invalid, path: connection.path,
            reason: "\(account) has no access to '\(offer)' to revoke; with a length it is revoked "
              + "beforehand")
        }
        endMs = last.endsAtMs
      }
      let span = Span(startsAtMs: startMs, endsAtMs: endMs)
      return try write(.revoked, account, offer, span, note, nowMs: nowMs, db)
    }
  }

  func requireOffer(_ offer: Name, _ db: Database) throws {
    let versions = OfferVersions(try Ledger.storedOffers(db, path: connection.path))
    guard versions.rows(of: offer.bytes).isEmpty else { return }
    throw LedgerError(
      code: .invalid, path: connection.path,
      reason: "there is no offer '\(offer)'; there are: \(versions.names.joined(separator: ", "))")
  }

  /// Adds a row to `grants`.
  ///
  /// `paid` is the payment that it is for, and the version of the offer; nil: every version.
  func write(
    _ kind: Grant.Kind, _ account: Account, _ offer: Name, _ span: Span, _ note: String?,
    paid: (digest: String, version: Int64)? = nil, nowMs: Int64, _ db: Database
  ) throws -> Written {
    try Prepared(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version, note)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """, db
    ).run(
      .bytes(account.username), .bytes(offer.bytes), .text(kind.rawValue),
      .integer(span.startsAtMs), .integer(span.endsAtMs), .init(paid?.digest),
      .init(paid?.version), .init(note))
    let row = db.lastInsertedRowID
    let access = try held(by: account, offer, afterMs: nowMs, db)
    let revocations = access.revocations.filter { id, revoked in
      kind == .granted && revoked.startsAtMs < span.endsAtMs && span.startsAtMs < revoked.endsAtMs
    }
    return Written(
      row: row, span: span, access: access.spans, revocations: revocations.map(\.id))
  }

  func held(
    by account: Account, _ offer: Name, afterMs timeMs: Int64, _ db: Database
  ) throws -> (spans: [Span], revocations: [(id: Int64, span: Span)]) {
    var grants: [Grant] = []
    var revocations: [(id: Int64, span: Span)] = []
    let statement = try Prepared(
      """
      SELECT id, kind, starts_at, ends_at FROM grants
      WHERE account = ? AND offer = ? AND ends_at > ?
      """, db)
    try statement.forEach(
      .bytes(account.username), .bytes(offer.bytes), .integer(timeMs)
    ) { row in
      guard let id = row.integer(0), let kind = row.text(1).flatMap({ Grant.Kind(rawValue: $0) }),
        let startsAtMs = row.integer(2), let endsAtMs = row.integer(3)
      else { return true }
      let span = Span(startsAtMs: startsAtMs, endsAtMs: endsAtMs)
      grants.append(Grant(kind: kind, span: span))
      if kind == .revoked { revocations.append((id, span)) }
      return true
    }
    return (Grant.access(grants).filter { $0.endsAtMs > timeMs }, revocations)
  }
}

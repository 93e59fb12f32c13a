import GRDB
public import PaywallCore

extension Ledger {
  /// When an account may read what a version of an offer sells.
  public struct Access: Hashable, Sendable {
    /// The row in `offers`.
    public var version: Int64
    /// When; it ends later than the time that was asked for.
    public var span: Span
  }

  /// The access that has not ended, of all accounts that have any.
  ///
  /// - Parameter nowMs: The tangle's time.
  /// - Returns: By the account's name inside the broker.
  /// - Throws: `LedgerError`.
  public func access(nowMs: Int64) throws(LedgerError) -> [Username: [Access]] {
    try read { db in
      let rows = try Row.fetchCursor(
        db, sql: "SELECT * FROM grants WHERE ends_at > ?", arguments: [nowMs])
      return try Self.access(rows, Self.offers(db))
    }
  }

  /// The access of one account that has not ended.
  ///
  /// - Parameters:
  ///   - account: Its name inside the broker.
  ///   - nowMs: The tangle's time.
  /// - Returns: The access; none where there is no such account.
  /// - Throws: `LedgerError`.
  public func access(of account: Username, nowMs: Int64) throws(LedgerError) -> [Access] {
    try read { db in
      let rows = try Row.fetchCursor(
        db, sql: "SELECT * FROM grants WHERE account = ? AND ends_at > ?",
        arguments: [String(decoding: account, as: UTF8.self), nowMs])
      return try Self.access(rows, Self.offers(db))[account] ?? []
    }
  }

  private struct Rows {
    var byVersion: [Int64: [Grant]] = [:]
    /// Of every version: what the seller granted or revoked by the offer's name.
    var general: [Grant] = []
  }

  private static func access(
    _ rows: RowCursor, _ offers: [StoredOffer]
  ) throws -> [Username: [Access]] {
    var grants: [Username: [Name: Rows]] = [:]
    while let row = try rows.next() {
      guard let kind = Grant.Kind(rawValue: row["kind"]), let offer = Name(row["offer"] as String)
      else { continue }
      let span = Span(startsAtMs: row["starts_at"], endsAtMs: row["ends_at"])
      let grant = Grant(kind: kind, span: span)
      let account = Username((row["account"] as String).utf8)
      if let version = row["version"] as Int64?, kind != .revoked {
        grants[account, default: [:]][offer, default: Rows()].byVersion[version, default: []]
          .append(grant)
      } else {
        grants[account, default: [:]][offer, default: Rows()].general.append(grant)
      }
    }
    let versions = Dictionary(grouping: offers) { $0.offer.name }
      .mapValues { $0.map(\.id) }
    return grants.mapValues { byOffer in
      byOffer.flatMap { offer, rows in
        (versions[offer] ?? []).flatMap { version in
          Grant.access((rows.byVersion[version] ?? []) + rows.general)
            .map { Access(version: version, span: $0) }
        }
      }.sorted { ($0.version, $0.span) < ($1.version, $1.span) }
    }.filter { !$0.value.isEmpty }
  }
}

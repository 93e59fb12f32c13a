import GRDB
public import PaywallCore

extension Ledger {
  /// When an account may read what a version of an offer sells.
  public struct Access: Hashable, Sendable {
    /// The row in `offers`.
    public var version: Int64
    /// When; a revocation may have ended it earlier than the grant.
    public var span: Span
  }

  /// How many flaws one reading tells at most: they go to a log.
  private static let flawLimit = 100

  /// Reads the access of all accounts that have any, one after the other.
  ///
  /// Rows that make no sense give nobody access.
  ///
  /// - Parameters:
  ///   - timeMs: Only grants that end later count, in Unix milliseconds of the tangle's time.
  ///   - body: Takes an account's name inside the broker, and its access.
  /// - Returns: Rows that make no sense, the first hundred.
  /// - Throws: `LedgerError`.
  public func forEachAccess(
    endingAfterMs timeMs: Int64, _ body: (Username, [Access]) -> Void
  ) throws(LedgerError) -> [Flaw] {
    let versions = try offerVersions()
    return try read { try Self.forEachAccess(endingAfterMs: timeMs, versions, $0, body) }
  }

  static func forEachAccess(
    endingAfterMs timeMs: Int64, _ versions: OfferVersions, _ db: Database,
    _ body: (Username, [Access]) -> Void
  ) throws -> [Flaw] {
    // Few of all grants still run: they are found by their end, and sorted.
    let statement = try Prepared(
      """
      SELECT \(GrantRow.columns) FROM grants INDEXED BY grants_by_end
      WHERE ends_at > ? ORDER BY account
      """, db)
    var group = AccountGroup()
    try statement.forEach(.integer(timeMs)) { row in
      if !group.takes(row) { group.finish(versions, body) }
      group.add(row, versions)
      return true
    }
    group.finish(versions, body)
    return Array(group.flaws.prefix(flawLimit))
  }

  /// The access of one account.
  ///
  /// - Parameters:
  ///   - account: Its name inside the broker.
  ///   - timeMs: Only grants that end later count, in Unix milliseconds of the tangle's time.
  /// - Returns: The access, none where there is no such account; and rows that make no sense.
  /// - Throws: `LedgerError`.
  public func access(
    of account: Username, endingAfterMs timeMs: Int64
  ) throws(LedgerError) -> (access: [Access], flaws: [Flaw]) {
    let versions = try offerVersions()
    return try read { try Self.access(of: account, endingAfterMs: timeMs, versions, $0) }
  }

  static func access(
    of account: Username, endingAfterMs timeMs: Int64, _ versions: OfferVersions, _ db: Database
  ) throws -> (access: [Access], flaws: [Flaw]) {
    // From offer to offer, for an account may have any number of grants that have ended.
    let statement = try Prepared(
      """
      WITH RECURSIVE held (offer) AS (
        SELECT min(offer) FROM grants WHERE account = ?1
        UNION ALL
        SELECT (SELECT min(offer) FROM grants WHERE account = ?1 AND offer > held.offer)
          FROM held WHERE held.offer IS NOT NULL)
      SELECT id, account, grants.offer, kind, starts_at, ends_at, version
      FROM held CROSS JOIN grants
      WHERE account = ?1 AND grants.offer = held.offer AND ends_at > ?2
      """, db)
    var group = AccountGroup()
    var access: [Access] = []
    try statement.forEach(.bytes(account), .integer(timeMs)) { row in
      group.add(row, versions)
      return true
    }
    group.finish(versions) { access = $1 }
    return (access, Array(group.flaws.prefix(flawLimit)))
  }

  /// The accounts with grants or revocations that end in a span of time.
  ///
  /// - Parameters:
  ///   - startMs: After this time…
  ///   - endMs: …and not after this one, in Unix milliseconds of the tangle's time.
  /// - Returns: Their names inside the broker.
  /// - Throws: `LedgerError`.
  public func accounts(
    endingAfterMs startMs: Int64, untilMs endMs: Int64
  ) throws(LedgerError) -> Set<Username> {
    try read { db in
      var accounts: Set<Username> = []
      let statement = try Prepared(
        "SELECT account FROM grants INDEXED BY grants_by_end WHERE ends_at > ? AND ends_at <= ?", db
      )
      try statement.forEach(.integer(startMs), .integer(endMs)) { row in
        if let account = row.bytes(0) { accounts.insert(account) }
        return true
      }
      return accounts
    }
  }

  /// How many accounts there are with grants or revocations that end later than a time.
  ///
  /// - Parameter timeMs: Unix milliseconds of the tangle's time.
  /// - Returns: At least as many as `forEachAccess` tells at the time.
  /// - Throws: `LedgerError`.
  public func holderCount(endingAfterMs timeMs: Int64) throws(LedgerError) -> Int {
    try read { db in
      let count = try Prepared(
        """
        SELECT count(DISTINCT account) FROM grants INDEXED BY grants_by_end WHERE ends_at > ?
        """, db
      ).first(.integer(timeMs)) { $0.integer(0) }
      return count.flatMap { Int(exactly: $0) } ?? 0
    }
  }
}

/// The rows of one account, while rows are read in the order of accounts.
private struct AccountGroup {
  private var account: Username?
  private var isPossible = false
  private var rows: [GrantRow] = []
  private(set) var flaws: [Flaw] = []

  /// Whether the current row is of the same account as those before.
  func takes(_ row: Prepared) -> Bool {
    account.map { row.isText($0, 1) } ?? true
  }

  mutating func add(_ row: Prepared, _ versions: OfferVersions) {
    if account == nil {
      account = row.bytes(1)
      // Written in another way, as with capitals in 0x…, it would be nobody's name in the broker.
      isPossible = account.map { Account(username: $0)?.username == $0 } ?? false
    }
    guard isPossible else {
      let reason = "nobody can have the name of its account"
      flaws.append(Flaw(table: "grants", row: row.integer(0) ?? 0, reason: reason))
      return
    }
    do throws(Flaw) {
      rows.append(try GrantRow(row, versions))
    } catch {
      flaws.append(error)
    }
  }

  mutating func finish(
    _ versions: OfferVersions, _ body: (Username, [Ledger.Access]) -> Void
  ) {
    let access = GrantRow.access(rows, versions)
    if let account, !access.isEmpty { body(account, access) }
    account = nil
    rows.removeAll(keepingCapacity: true)
  }
}

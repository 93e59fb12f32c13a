import GRDB
public import PaywallCore

extension Ledger {
  /// How many changes are taken at once.
  private static let changeLimit = 10_000

  /// What others have changed, as an admin's `sqlite3` or `paywall grant`.
  public struct Taken: Hashable, Sendable {
    /// Whose grants: names inside the broker, as they are written.
    public var accounts: Set<Username>
    /// Whether passwords of buyers were changed.
    public var areLogins: Bool
    /// Whether there is more to take.
    public var areMore: Bool
  }

  /// Takes out what others have changed.
  ///
  /// Triggers note it in `changes`; what this connection writes itself is not noted. Where somebody
  /// holds a write lock, the changes are read now and removed later.
  ///
  /// - Returns: What was changed.
  /// - Throws: `LedgerError`.
  public func takeChanges() throws(LedgerError) -> Taken {
    let changes: Changes
    do throws(LedgerError) {
      changes = try write { db in
        let changes = try Changes(after: seenChange, limit: Self.changeLimit, db)
        try Prepared("DELETE FROM changes WHERE id <= ?", db).run(.integer(changes.last))
        return changes
      }
      // SQLite numbers rows anew once there are none.
      seenChange = 0
    } catch {
      // On a full disk too: what an admin took away has to be noticed, if only by reading.
      guard [.busy, .failed, .cannotOpen].contains(error.code) else { throw error }
      changes = try read { try Changes(after: seenChange, limit: Self.changeLimit, $0) }
      seenChange = changes.last
    }
    var accounts = changes.accounts
    // No account can have this name.
    let areLogins = accounts.remove(Array(":logins".utf8)) != nil
    let areMore = changes.count == Self.changeLimit
    return Taken(accounts: accounts, areLogins: areLogins || areMore, areMore: areMore)
  }

  /// Forgets what others have changed, before everything is read.
  ///
  /// - Throws: `LedgerError`.
  public func discardChanges() throws(LedgerError) {
    do throws(LedgerError) {
      try write { try $0.execute(sql: "DELETE FROM changes") }
      seenChange = 0
    } catch {
      guard error.code == .busy else { throw error }
      seenChange = try read { db in
        try Prepared("SELECT max(id) FROM changes", db).first { $0.integer(0) } ?? 0
      }
    }
  }
}

private struct Changes {
  private(set) var accounts: Set<Username> = []
  private(set) var count = 0
  private(set) var last: Int64

  init(after seen: Int64, limit: Int, _ db: Database) throws {
    last = seen
    let statement = try Prepared(
      "SELECT id, account FROM changes WHERE id > ? ORDER BY id LIMIT ?", db)
    var accounts: Set<Username> = []
    try statement.forEach(.integer(seen), .integer(Int64(limit))) { row in
      last = row.integer(0) ?? last
      count += 1
      if let account = row.bytes(1) { accounts.insert(account) }
      return true
    }
    self.accounts = accounts
  }
}

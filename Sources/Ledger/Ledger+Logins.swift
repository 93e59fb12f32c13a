public import PaywallCore

extension Ledger {
  /// A buyer's login.
  public struct Login: Hashable, Sendable {
    /// The account's name, without `buyer:`.
    public var name: Name
    /// The keyed hash of name and password.
    public var passwordHash: Bytes32
    /// Whether it is right.
    public var isValid: Bool
  }

  /// Reads all logins that are right, one after the other.
  ///
  /// Rows that make no sense let nobody in.
  ///
  /// - Parameter body: Takes an account's name, without `buyer:`, and the keyed hash of its name and
  ///   password.
  /// - Returns: Rows that make no sense, the first hundred.
  /// - Throws: `LedgerError`.
  public func forEachLogin(
    _ body: (Name, Bytes32) -> Void
  ) throws(LedgerError) -> [Flaw] {
    try read { db in
      var flaws: [Flaw] = []
      let statement = try Prepared(
        """
        SELECT rowid, username, password_hash FROM accounts WHERE password_hash IS NOT NULL
        """, db)
      try statement.forEach { row in
        if case .buyer(let name)? = row.bytes(1).flatMap({ Account(username: $0) }),
          let hash = row.hash(2)
        {
          body(name, hash)
        } else if flaws.count < 100 {
          flaws.append(
            Flaw(
              table: "accounts", row: row.integer(0) ?? 0,
              reason: "only a buyer:NAME has a password_hash, of 64 hexadecimal digits"))
        }
        return true
      }
      return flaws
    }
  }
}

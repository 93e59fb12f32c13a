import GRDB

extension Schema {
  /// Makes a ledger of an older version one of this version, within a transaction.
  ///
  /// Version 4 tested by `IN` which words a column may hold, which was slow to write to. Version 3 had
  /// no assigned payments, which its view `unclaimed_payments` would go on to show, and its
  /// `revenue_by_day` failed on sums of more than 64 bits. Version 2 opened no sealed memos, and
  /// gave no keys to seal them with: what it recorded holds no claims. Version 1 had an index of all
  /// bought rows by payment beside that, which grew slow to write to with the ledger; and it made
  /// nothing good, nor gave anything provisionally.
  ///
  /// - Throws: `LedgerError` (`corrupt`) where it was not made by that version.
  static func migrate(_ db: Database, from older: Int64, path: String) throws {
    var new: [String] = []
    if older < 3 {
      new += [
        "table claims", "index claims_by_username", "index claims_first",
        "trigger accounts_inserted", "trigger accounts_updated", "trigger accounts_deleted",
      ]
    }
    if older == 1 {
      try drop(
        """
        DROP INDEX grants_once;
        DROP TRIGGER grants_inserting;
        DROP TRIGGER grants_updating;
        """, ofVersion: older, db, path: path)
      new += [
        "index grants_made_good", "index grants_provisional", "trigger grants_inserting",
        "trigger grants_updating",
      ]
    }
    if older < 4 {
      // An admin may have dropped a view, but not put a table in its place.
      try drop(
        "DROP VIEW IF EXISTS unclaimed_payments; DROP VIEW IF EXISTS revenue_by_day;",
        ofVersion: older, db, path: path)
      new += ["view unclaimed_payments", "view revenue_by_day"]
    }
    try rewriteChecks(db)
    // The rest is as a new ledger has it, statement for statement, for `check` compares them.
    let model = try model.get()
    for name in new {
      if let sql = model[name] { try db.execute(sql: sql) }
    }
    try db.execute(sql: "PRAGMA user_version = \(version)")
    try check(db, path: path)
  }

  /// Which words columns may hold, as versions before 5 wrote it, and as it is written now.
  private static let rewrittenChecks = [
    (
      "payments", "(state IN ('confirmed','pending','unclaimed','rejected'))",
      """
      (state = 'confirmed' OR state = 'pending'
                     OR state = 'unclaimed' OR state = 'rejected')
      """
    ),
    (
      "accounts", "(kind IN ('broker','buyer','wallet'))",
      "(kind = 'broker' OR kind = 'buyer' OR kind = 'wallet')"
    ),
    (
      "grants", "(kind IN ('bought','granted','made_good','revoked'))",
      """
      (kind = 'bought' OR kind = 'granted'
                    OR kind = 'made_good' OR kind = 'revoked')
      """
    ),
  ]

  /// Writes anew which words columns may hold, in the tables' own statements.
  ///
  /// No row changes, nor what a row may be: so only the statements do, as
  /// https://sqlite.org/lang_altertable.html#otheralter describes it, whatever the ledger's size. A
  /// table that was altered otherwise keeps that, and `check` refuses it.
  private static func rewriteChecks(_ db: Database) throws {
    let schemaVersion = try Prepared("PRAGMA schema_version", db).first { $0.integer(0) } ?? 0
    try db.execute(sql: "PRAGMA writable_schema = ON")
    // Whatever happens, what this connection knows of the tables is read anew.
    defer { try? db.execute(sql: "PRAGMA writable_schema = RESET") }
    for (table, former, current) in rewrittenChecks {
      try db.execute(
        sql: """
          UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?
          """, arguments: [former, current, table])
    }
    // Other connections read them anew too.
    try db.execute(sql: "PRAGMA schema_version = \(schemaVersion + 1)")
  }

  /// Drops what only older versions had.
  private static func drop(
    _ sql: String, ofVersion older: Int64, _ db: Database, path: String
  ) throws {
    do {
      try db.execute(sql: sql)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
      throw LedgerError(
        code: .corrupt, path: path,
        reason: "it is not as version \(older) made it; restore a backup")
    }
  }
}

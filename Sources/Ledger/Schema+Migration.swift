import GRDB

extension Schema {
  /// Makes a ledger of an older version one of this version, within a transaction.
  ///
  /// Version 2 opened no sealed memos, and gave no keys to seal them with: what it recorded holds no
  /// claims. Version 1 had an index of all bought rows by payment beside
  /// that, which grew slow to write to with the ledger; and it made nothing good, nor gave anything
  /// provisionally.
  ///
  /// - Throws: `LedgerError` (`corrupt`) where it was not made by that version.
  static func migrate(_ db: Database, from older: Int64, path: String) throws {
    var new = [
      "table claims", "index claims_by_username", "index claims_first",
      "trigger accounts_inserted", "trigger accounts_updated", "trigger accounts_deleted",
    ]
    if older == 1 {
      try dropFirst(db, path: path)
      new += [
        "index grants_made_good", "index grants_provisional", "trigger grants_inserting",
        "trigger grants_updating",
      ]
    }
    // The rest is as a new ledger has it, statement for statement, for `check` compares them.
    let model = try DatabaseQueue().inDatabase { model in
      try model.execute(sql: tables)
      return try objects(model)
    }
    for name in new {
      if let sql = model[name] { try db.execute(sql: sql) }
    }
    try db.execute(sql: "PRAGMA user_version = \(version)")
    try check(db, path: path)
  }

  /// Drops what only version 1 had.
  private static func dropFirst(_ db: Database, path: String) throws {
    do {
      try db.execute(
        sql: """
          DROP INDEX grants_once;
          DROP TRIGGER grants_inserting;
          DROP TRIGGER grants_updating;
          """)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
      throw LedgerError(
        code: .corrupt, path: path, reason: "it is not as version 1 made it; restore a backup")
    }
  }
}

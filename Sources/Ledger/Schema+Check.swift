import GRDB

extension Schema {
  /// The version that made a ledger; 0 for a new file.
  ///
  /// - Throws: `LedgerError` (`newer`).
  static func version(_ db: Database, path: String) throws -> Int64 {
    let found = try Prepared("PRAGMA user_version", db).first { $0.integer(0) } ?? 0
    guard found <= version else {
      throw LedgerError(
        code: .newer, path: path,
        reason: "a newer version made it (schema \(found)); install that version again")
    }
    return found
  }

  /// Checks that tables, indexes and triggers are those that this version makes.
  ///
  /// It is what can be checked of a ledger of any size before the broker starts. Beyond it, SQLite
  /// refuses a wrong header and a file that is shorter than its header says, and all pages with
  /// access that still runs are read. The other pages take
  /// seconds in a large ledger, and are left to `LedgerCheck`, beside the running broker: they hold
  /// what has ended, and nothing that gives access.
  ///
  /// - Throws: `LedgerError` (`corrupt`).
  static func check(_ db: Database, path: String) throws {
    let expected = try DatabaseQueue().inDatabase { model in
      try model.execute(sql: tables)
      return try objects(model)
    }
    let found = try objects(db)
    for (name, sql) in expected.sorted(by: { $0.key < $1.key }) where found[name] != sql {
      throw LedgerError(
        code: .corrupt, path: path,
        reason: "\(name) is \(found[name] == nil ? "missing" : "not as it was made"); "
          + "restore a backup")
    }
  }

  /// The statements that made tables, indexes and triggers, by kind and name.
  static func objects(_ db: Database) throws -> [String: String] {
    var objects: [String: String] = [:]
    let statement = try Prepared(
      "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE type <> 'view' AND sql IS NOT NULL",
      db)
    try statement.forEach { row in
      if let name = row.text(0), let sql = row.text(1) { objects[name] = sql }
      return true
    }
    return objects
  }
}

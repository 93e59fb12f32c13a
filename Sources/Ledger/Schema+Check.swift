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
    let expected = try model.get().filter { !$0.key.hasPrefix("view ") }
    let found = try objects(db)
    for (name, sql) in expected.sorted(by: { $0.key < $1.key }) where found[name] != sql {
      throw LedgerError(
        code: .corrupt, path: path,
        reason: "\(name) is \(found[name] == nil ? "missing" : "not as it was made"); "
          + "restore a backup")
    }
  }

  /// Refuses a ledger that another version made.
  ///
  /// Who only reads may not bring an older one up to date, nor guess what it means.
  ///
  /// - Throws: `LedgerError` (`older`, `newer`, or `corrupt` for what is no ledger).
  static func requireCurrent(_ db: Database, path: String) throws {
    let found = try requireLedger(db, path: path)
    guard found == version else {
      throw LedgerError(
        code: .older, path: path,
        reason: "an older version made it (schema \(found), this one reads \(version)); start the "
          + "broker with the plugin of this version, which brings it up to date")
    }
  }

  /// Refuses what no version made, or a newer one.
  ///
  /// - Returns: The version that made it.
  /// - Throws: `LedgerError` (`newer`, or `corrupt` for what is no ledger).
  static func requireLedger(_ db: Database, path: String) throws -> Int64 {
    let found = try version(db, path: path)
    guard found > 0 else {
      throw LedgerError(
        code: .corrupt, path: path, reason: "it is no ledger; the broker makes one when it starts")
    }
    return found
  }

  /// What a new ledger has, as `objects` tells it, its views too.
  static let model = Result {
    let database = try DatabaseQueue()
    defer { database.retire() }
    let found = try database.inDatabase { db in
      try db.execute(sql: tables)
      try db.execute(sql: views)
      return try objects(db, areViewsIncluded: true)
    }
    try database.close()
    return found
  }

  /// The statements that made tables, indexes and triggers, by kind and name; of views only where
  /// they are asked for, for those are the admin's to change.
  static func objects(
    _ db: Database, areViewsIncluded: Bool = false
  ) throws -> [String: String] {
    var objects: [String: String] = [:]
    let statement = try Prepared(
      "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE (type <> 'view' OR ?) "
        + "AND sql IS NOT NULL",
      db)
    try statement.forEach(.integer(areViewsIncluded ? 1 : 0)) { row in
      if let name = row.text(0), let sql = row.text(1) { objects[name] = sql }
      return true
    }
    return objects
  }
}

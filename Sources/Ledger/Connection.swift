import CSQLite
import GRDB

/// One connection to a ledger's file, whose errors say which file it is.
struct Connection {
  let path: String
  let database: DatabaseQueue

  init(path: String, _ configuration: Configuration) throws(LedgerError) {
    self.path = path
    do {
      database = try DatabaseQueue(path: path, configuration: configuration)
    } catch {
      throw LedgerError(error, path: path)
    }
  }

  func close() {
    // Whatever fails here fails again, and is told, when the file is opened next.
    try? database.close()
  }

  func read<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    do {
      return try database.unsafeRead(body)
    } catch let error as LedgerError {
      throw error
    } catch {
      throw LedgerError(error, path: path)
    }
  }

  /// Runs `body` outside of any transaction.
  func run<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    do {
      return try database.writeWithoutTransaction(body)
    } catch let error as LedgerError {
      throw error
    } catch {
      throw LedgerError(error, path: path)
    }
  }

  /// Runs `body` in one `BEGIN IMMEDIATE` transaction.
  ///
  /// A deferred one that starts to write late fails at once, whatever the timeout
  /// (https://sqlite.org/lang_transaction.html).
  func write<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    var result: T?
    try run { db in
      try db.inTransaction(.immediate) {
        result = try body(db)
        return .commit
      }
    }
    guard let result else {
      throw LedgerError(code: .failed, path: path, reason: "a transaction had no result")
    }
    return result
  }

  /// For whoever is not the broker's watcher: it leaves the WAL alone.
  static var besideBroker: Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(5)
    configuration.foreignKeysEnabled = false
    configuration.prepareDatabase { db in
      try db.execute(
        sql: """
          PRAGMA synchronous = FULL;
          PRAGMA wal_autocheckpoint = 0;
          PRAGMA trusted_schema = OFF;
          """)
      guard let connection = db.sqliteConnection,
        csqlite_keep_wal_on_close(connection) == SQLITE_OK
      else { throw DatabaseError(message: "the WAL cannot be left to the broker") }
    }
    return configuration
  }
}

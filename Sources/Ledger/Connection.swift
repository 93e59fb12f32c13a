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

  /// What every connection of ours has in common; above all, that none checkpoints by itself.
  ///
  /// - Parameters:
  ///   - busyTimeoutS: How long to wait for somebody else's lock, in seconds.
  ///   - prepare: What else is set up for each connection.
  /// - Returns: The configuration.
  static func configuration(
    busyTimeoutS: Double, _ prepare: @escaping @Sendable (Database) throws -> Void
  ) -> Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(busyTimeoutS)
    // What we write refers to rows that we wrote just before.
    configuration.foreignKeysEnabled = false
    configuration.prepareDatabase { db in
      try db.execute(
        sql: """
          PRAGMA synchronous = FULL;
          PRAGMA wal_autocheckpoint = 0;
          PRAGMA trusted_schema = OFF;
          """)
      try prepare(db)
    }
    return configuration
  }

  /// For whoever only reads beside the broker: nothing is made where there is nothing.
  static var reading: Configuration {
    var configuration = besideBroker
    configuration.readonly = true
    return configuration
  }

  /// For whoever is not the broker's watcher: it leaves the WAL alone.
  static var besideBroker: Configuration {
    configuration(busyTimeoutS: 5) { db in
      guard let connection = db.sqliteConnection,
        csqlite_keep_wal_on_close(connection) == SQLITE_OK
      else { throw DatabaseError(message: "the WAL cannot be left to the broker") }
    }
  }
}

import CSQLite
import GRDB
import Synchronization

/// One connection to a ledger's file, whose errors say which file it is.
final class Connection: Sendable {
  let path: String
  let database: DatabaseQueue

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - name: What SQLite is told to open, where it is another way to say the same; nil: the path.
  ///   - configuration: How.
  ///   - isReading: Whether it is for whoever only reads, as errors say.
  /// - Throws: `LedgerError`.
  init(
    path: String, name: String? = nil, _ configuration: Configuration, isReading: Bool = false
  ) throws(LedgerError) {
    self.path = path
    do {
      database = try DatabaseQueue(path: name ?? path, configuration: configuration)
    } catch {
      throw LedgerError(error, path: path, isReading: isReading)
    }
  }

  /// Opens a file to read it in a process that may have it open already.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - files: Those that this process has open; nil: none.
  /// - Throws: `LedgerError`; `lost` where they are others by now.
  convenience init(reading path: String, beside files: LedgerFiles?) throws(LedgerError) {
    try files?.require()
    files?.mendIndex()
    try self.init(path: path, Self.reading)
  }

  deinit {
    close()
    database.retire()
  }

  /// Closes the file, after which nothing else may be called.
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

extension DatabaseQueue {
  private static let retired = Mutex<[DatabaseQueue]>([])

  /// Keeps what is left of a connection that was closed: some 3 KB, for as long as the process lives.
  ///
  /// With its last reference libdispatch would start a thread, to dispose of what GRDB has attached to
  /// the queue (`DispatchQueue.setSpecific`), and a timer by which it looks at that thread's
  /// `/proc/…/stat`. It ends the process where such a file cannot be opened ("workq: registered worker
  /// exited prematurely" in `_dispatch_workq_count_runnable_workers` of swift-corelibs-libdispatch's
  /// `src/event/workqueue.c`), as where there is no `/proc`, and where the timer cannot be made,
  /// because the broker has as many files open as it may. Where there can be no further thread, it
  /// waits until there can.
  func retire() {
    Self.retired.withLock { $0.append(self) }
  }
}

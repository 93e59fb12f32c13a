import CSQLite
import GRDB
import Glibc
import PaywallCore

/// The ledger: payments, accounts, credit and grants in a SQLite file.
///
/// One process owns it, through one connection that one thread uses: it is the only writer that
/// checkpoints the WAL. (SQLite before 3.51.3 can corrupt a WAL when two processes checkpoint and
/// write at once: https://sqlite.org/wal.html#walresetbug.) Others may read it, and add grants, at
/// any time.
public final class Ledger {
  /// The file.
  public let path: String
  let connection: Connection
  /// Its files, by which others see whether they open the same.
  public let files: LedgerFiles
  /// Whether what the WAL held was moved into the file since its files were found to be taken away.
  private var isRescued = false
  private let lock: FileLock
  /// The versions of offers, as of a number that changes when others write.
  var knownVersions: (dataVersion: Int64, versions: OfferVersions)?
  /// The last row of `changes` that was taken and could not be removed.
  var seenChange: Int64 = 0
  /// Whether the time since the broker ran last has been looked at.
  var isOutageOver = false
  /// How many payments were recorded since the WAL was checkpointed.
  private var recordedCount = 0
  /// After so many it is checkpointed, as while a long history is read.
  private static let longRecord = 10_000

  /// Opens a ledger, or makes a new one where the file is missing.
  ///
  /// - Parameters:
  ///   - path: The file, in a folder that this process may write.
  ///   - nowMs: The time, which becomes the birth of a new ledger.
  /// - Throws: `LedgerError`.
  public init(path: String, nowMs: Int64) throws(LedgerError) {
    self.path = path
    lock = try FileLock(ledger: path)
    try LedgerFiles.requireWhole(path, lock)
    Self.createPrivately(path)
    let connection = try Connection(path: path, Self.configuration)
    try connection.run { try Self.prepare($0, path: path, nowMs: nowMs) }
    lock.mark()
    files = LedgerFiles(path: path)
    self.connection = connection
  }

  /// Closes the file, after which nothing else may be called.
  public func close() {
    connection.close()
  }

  /// When the ledger was made, in Unix milliseconds.
  ///
  /// - Throws: `LedgerError`.
  public func bornAtMs() throws(LedgerError) -> Int64 {
    guard let bornAtMs = try read({ try Self.meta("born_at", $0).flatMap(Int64.init) }) else {
      throw LedgerError(
        code: .invalid, path: path,
        reason: "meta row 'born_at' holds no Unix milliseconds; set when the ledger was made")
    }
    return bornAtMs
  }

  /// Binds a new ledger to a secret, or checks that a used one belongs to it.
  ///
  /// - Parameter fingerprint: What names the master secret without giving it away.
  /// - Throws: `LedgerError` (`mismatch`) where it belongs to another secret.
  public func bind(secretFingerprint fingerprint: String) throws(LedgerError) {
    guard let known = try read({ try Self.meta("secret_fingerprint", $0) }) else {
      try write { db in
        try db.execute(
          sql: "INSERT INTO meta VALUES ('secret_fingerprint', ?)", arguments: [fingerprint])
      }
      return
    }
    guard known == fingerprint else {
      throw LedgerError(
        code: .mismatch, path: path,
        reason: "it belongs to another secret_file; put back the one it was made with")
    }
  }

  /// Whether the ledger was bound to a secret.
  ///
  /// - Throws: `LedgerError`.
  public func isBound() throws(LedgerError) -> Bool {
    try read { try Self.meta("secret_fingerprint", $0) != nil }
  }

  /// A number that changes when another connection has written to the file.
  ///
  /// - Throws: `LedgerError`.
  public func dataVersion() throws(LedgerError) -> Int64 {
    try read { try Prepared("PRAGMA data_version", $0).first { $0.integer(0) } ?? 0 }
  }

  /// Moves what the WAL holds into the file, as far as readers allow.
  ///
  /// - Throws: `LedgerError`; `busy` is nothing to worry about.
  public func checkpoint() throws(LedgerError) {
    try requireFiles()
    _ = try connection.run { try $0.checkpoint(.truncate) }
    recordedCount = 0
  }

  /// Has the WAL begin anew where many payments were recorded in one go.
  ///
  /// Nothing is cut off then: a file that has its size already is written faster. Whatever fails here
  /// fails again, and is told, at the next checkpoint; what was recorded is durable.
  func checkpoint(afterRecording count: Int) {
    recordedCount += count
    guard recordedCount >= Self.longRecord, (try? requireFiles()) != nil else { return }
    recordedCount = 0
    _ = try? connection.run { try $0.checkpoint(.passive) }
  }

  /// Gives back the memory that reading many rows took: up to 16 MB of pages.
  ///
  /// - Throws: `LedgerError`.
  public func releaseMemory() throws(LedgerError) {
    try read { try $0.execute(sql: "PRAGMA shrink_memory") }
  }

  func read<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    files.mendIndex()
    return try connection.read(body)
  }

  func write<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    try requireFiles()
    return try connection.write(body)
  }

  /// Checks that the files are those that were opened, without which nothing is written.
  ///
  /// The WAL belongs to the file that is open: it is emptied into that, once, lest it be taken for the
  /// WAL of a file in its place. Later it may hold what others wrote.
  ///
  /// - Throws: `LedgerError` (`lost`).
  public func requireFiles() throws(LedgerError) {
    files.mendIndex()
    do throws(LedgerError) {
      try files.require()
      isRescued = false
    } catch {
      if !isRescued, (try? connection.run({ try $0.checkpoint(.truncate) })) != nil {
        isRescued = true
      }
      throw error
    }
  }

  private static var configuration: Configuration {
    // The watcher has to be able to stop within a second.
    Connection.configuration(busyTimeoutS: 0.2) { db in
      try db.execute(
        sql: """
          -- Sorting leaves no files in other folders.
          PRAGMA temp_store = MEMORY;
          PRAGMA cache_size = -16000;
          """)
      // The triggers note what others write.
      guard let connection = db.sqliteConnection, csqlite_disable_triggers(connection) == SQLITE_OK
      else { throw DatabaseError(message: "triggers cannot be switched off") }
    }
  }

  /// Makes a missing file, which SQLite would let everybody read; its WAL gets the same mode.
  private static func createPrivately(_ path: String) {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
  }

  private static func prepare(_ db: Database, path: String, nowMs: Int64) throws {
    let version = try Schema.version(db, path: path)
    // The mode is in the file. Where it has it already nothing is written, not even by GRDB's own
    // way of asking for it, while an admin's shell may hold a lock.
    if try String.fetchOne(db, sql: "PRAGMA journal_mode") != "wal" {
      try db.execute(sql: "PRAGMA journal_mode = WAL")
    }
    if version == Schema.version { try Schema.check(db, path: path) }
    do {
      try db.inTransaction(.immediate) {
        if version == 0 { try create(db, path: path, nowMs: nowMs) }
        if version > 0, version < Schema.version {
          try Schema.migrate(db, from: version, path: path)
        }
        // Whether the disk can be written shows only when something is.
        try db.execute(
          sql: "INSERT OR REPLACE INTO meta VALUES ('opened_at', ?)", arguments: ["\(nowMs)"])
        return .commit
      }
    } catch DatabaseError.SQLITE_BUSY where version == Schema.version {
      // An admin's shell holds a write lock, which must not keep the broker from starting.
    }
  }

  private static func create(_ db: Database, path: String, nowMs: Int64) throws {
    guard try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 else {
      throw LedgerError(
        code: .corrupt, path: path,
        reason: "it is a database of something else; give 'ledger' a file of its own")
    }
    try db.execute(sql: Schema.tables)
    try db.execute(sql: Schema.views)
    try db.execute(sql: "INSERT INTO meta VALUES ('born_at', ?)", arguments: ["\(nowMs)"])
    try db.execute(sql: "PRAGMA user_version = \(Schema.version)")
  }

  static func meta(_ key: String, _ db: Database) throws -> String? {
    try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
  }
}

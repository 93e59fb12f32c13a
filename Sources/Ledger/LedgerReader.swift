import GRDB
import Glibc

/// The ledger as another program than the broker reads it: it changes nothing, neither the file nor
/// its WAL, and needs no right to write.
///
/// Each question sees the ledger at one moment, whatever others write meanwhile, also while they hold
/// a write lock.
public final class LedgerReader {
  /// What a ledger may be made by.
  public enum Versions: Sendable {
    /// This version of the program: what rows mean is known.
    case current
    /// Older ones too, for what does not look into it.
    case olderToo
  }

  /// The file.
  public let path: String
  private let connection: Connection
  /// The file as it was when it was opened without a lock; nil where SQLite's locks protect it.
  private let unlocked: FileStamp?

  /// Opens a ledger that there is.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - versions: By which version of the program it may be made.
  /// - Throws: `LedgerError`; `older` or `newer` where another version made it.
  public init(path: String, versions: Versions = .current) throws(LedgerError) {
    self.path = path
    guard access(path, F_OK) == 0 else { throw LedgerError(missing: path, errno) }
    (connection, unlocked) = try Self.open(path)
    switch versions {
    case .current: try read { try Schema.requireCurrent($0, path: path) }
    case .olderToo: _ = try read { try Schema.requireLedger($0, path: path) }
    }
  }

  /// Asks within one transaction.
  func read<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    let result: Result<T, LedgerError>
    do {
      result = .success(try connection.database.read(body))
    } catch let error as LedgerError {
      result = .failure(error)
    } catch {
      result = .failure(LedgerError(error, path: path, isReading: true))
    }
    // Without locks an answer, or what looks like damage, may be of two moments.
    guard unlocked == nil || unlocked == FileStamp(path) else {
      throw LedgerError(
        code: .busy, path: path, reason: "the broker started while it was read; try again")
    }
    return try result.get()
  }

  /// Copies all pages to another connection, as they are at one moment.
  func copy(to other: DatabaseQueue) throws {
    try connection.database.backup(to: other)
    _ = try read { _ in }
  }

  /// Opens the file, in the way that touches nothing.
  ///
  /// Beside a broker, or after one that was killed, there is a WAL and its index, which are read with
  /// SQLite's locks (https://sqlite.org/wal.html#readonly). A broker that has ended in order leaves
  /// the file alone; to read that, SQLite would make both anew, unless it is told that nobody writes
  /// (https://sqlite.org/uri.html#uriimmutable). Whether somebody did after all is looked at
  /// afterwards.
  private static func open(_ path: String) throws(LedgerError) -> (Connection, FileStamp?) {
    let stamp = FileStamp(path)
    let wal = FileStamp(path + "-wal")
    guard let wal, wal.size > 0 || FileStamp(path + "-shm") != nil else {
      return (try Connection(uri: "immutable=1", of: path), stamp)
    }
    do throws(LedgerError) {
      return (try Connection(uri: "mode=ro&readonly_shm=1", of: path), nil)
    } catch {
      guard error.code == .cannotOpen else { throw error }
      // A WAL without an index, as in a copy of the two: who may, makes the index.
      return (try Connection(uri: "mode=ro", of: path), nil)
    }
  }
}

extension Connection {
  /// A connection that only reads.
  fileprivate convenience init(uri parameters: String, of path: String) throws(LedgerError) {
    var configuration = Self.configuration(busyTimeoutS: 5) { db in
      // Sorting leaves no files in other folders.
      try db.execute(sql: "PRAGMA temp_store = MEMORY")
    }
    configuration.readonly = true
    try self.init(
      path: path, name: "file:\(Self.escaped(path))?\(parameters)", configuration, isReading: true)
    do {
      // A file that cannot be read shows only now.
      try database.read { db in _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema")
      }
    } catch {
      throw LedgerError(error, path: path, isReading: true)
    }
  }

  /// A path within a URI.
  private static func escaped(_ path: String) -> String {
    path.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        String(UnicodeScalar(byte))
      default:
        "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}

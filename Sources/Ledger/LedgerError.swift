import GRDB
import Glibc

/// Why the ledger cannot be used: one sentence, with the file.
public struct LedgerError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Hashable, Sendable {
    private enum Base: Hashable {
      case cannotOpen, busy, corrupt, newer, older, mismatch, invalid, lost, failed
    }
    private let base: Base

    /// The file cannot be opened or written.
    public static let cannotOpen = Code(base: .cannotOpen)
    /// Somebody else holds a lock; worth another try.
    public static let busy = Code(base: .busy)
    /// The file is damaged, or no ledger.
    public static let corrupt = Code(base: .corrupt)
    /// A newer version of this program made it.
    public static let newer = Code(base: .newer)
    /// An older version of this program made it, and this one may only read.
    public static let older = Code(base: .older)
    /// It belongs to another secret, network or address.
    public static let mismatch = Code(base: .mismatch)
    /// A row makes no sense.
    public static let invalid = Code(base: .invalid)
    /// Its files were taken away while it was open.
    public static let lost = Code(base: .lost)
    /// SQLite refused something else (a full disk, an I/O error).
    public static let failed = Code(base: .failed)
  }

  /// What kind of failure it is.
  public let code: Code
  /// The ledger's file.
  public let path: String
  /// What is wrong, and what to do.
  public let reason: String

  /// `ledger FILE: REASON`.
  public var description: String { "ledger \(path): \(reason)" }

  init(code: Code, path: String, reason: String) {
    self.code = code
    self.path = path
    self.reason = reason
  }

  /// A file that is not there, or in a folder that cannot be looked into.
  init(missing path: String, _ code: Int32) {
    self.init(
      code: .cannotOpen, path: path,
      reason: "it cannot be found (\(String(cString: strerror(code)))); name the one that "
        + "'ledger' in paywall.toml names, as a user who may open it")
  }

  /// What SQLite says, in our words.
  ///
  /// - Parameters:
  ///   - error: The error.
  ///   - path: The ledger's file.
  ///   - isReading: Whether the file was to be read only.
  init(_ error: any Error, path: String, isReading: Bool = false) {
    self.path = path
    guard let error = error as? DatabaseError else {
      code = .failed
      reason = "\(error)"
      return
    }
    let message = error.message ?? "unknown error"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      code = .busy
      reason = "another program holds a lock on it (\(message)); end its transaction"
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      code = .corrupt
      reason = "it is damaged or no ledger (\(message)); restore a backup or move it away"
    case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      code = .cannotOpen
      guard !isReading else {
        reason =
          "it cannot be read (\(message)); run this as a user who may read it and its -wal and -shm, "
          + "as with: sudo -u mosquitto"
        return
      }
      reason =
        "it cannot be written (\(message)); run this as the broker's user, as with: sudo -u mosquitto, "
        + "and have its folder belong to that user, as with: chown mosquitto: FOLDER"
    case .SQLITE_FULL:
      code = .failed
      reason = "its disk is full (\(message)); make room on it"
    case .SQLITE_IOERR:
      code = .failed
      reason =
        "it cannot be read or written (\(message), SQLite code "
        + "\(error.extendedResultCode.rawValue)); see whether its disk is full, read-only or broken"
    default:
      code = .failed
      reason = "\(message) (SQLite code \(error.extendedResultCode.rawValue))"
    }
  }
}

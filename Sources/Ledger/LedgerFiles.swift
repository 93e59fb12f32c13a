import Glibc

/// The files of a ledger that is open, by which it shows where somebody takes them away.
///
/// SQLite goes on with the files that it has open: whatever it writes then is gone with them, without
/// an error. And a second connection of the same process, to a file put in the place of the first,
/// cuts off the WAL's index that both share, which ends the process.
public struct LedgerFiles: Sendable {
  /// The ledger's file.
  public let path: String
  private let parts: [(suffix: String, stamp: FileStamp)]

  /// The files as they are now, right after the ledger was opened.
  init(path: String) {
    self.path = path
    parts = ["", "-wal", "-shm"].compactMap { suffix in
      FileStamp(path + suffix).map { (suffix, $0) }
    }
  }

  /// Checks that the files are those that were opened.
  ///
  /// - Throws: `LedgerError` (`lost`).
  func require() throws(LedgerError) {
    for (suffix, known) in parts {
      guard let now = FileStamp(path + suffix) else { throw lost(suffix, "removed") }
      guard now.isSameFile(as: known) else {
        throw lost(suffix, "replaced by another file")
      }
      // A WAL may be empty.
      guard suffix.isEmpty, now.size == 0 else { continue }
      throw lost(suffix, "emptied")
    }
  }

  /// How long the WAL's index is made again: for a WAL of a gigabyte, most of it a hole.
  private static let indexBytes = 2 << 20

  /// Makes the WAL's index long again where somebody has cut it off.
  ///
  /// SQLite has it mapped into memory, and who looks at what is mapped beyond a file's end is ended by
  /// the kernel. By name, for closing a descriptor of it would drop SQLite's locks; all zeros, for
  /// which SQLite builds it anew from the WAL.
  func mendIndex() {
    let index = path + "-shm"
    guard let known = parts.first(where: { $0.suffix == "-shm" })?.stamp,
      let now = FileStamp(index), now.isSameFile(as: known), now.size < known.size
    else { return }
    _ = truncate(index, 0)
    _ = truncate(index, Self.indexBytes)
  }

  private func lost(_ suffix: String, _ what: String) -> LedgerError {
    let cure =
      suffix.isEmpty
      ? "stop the broker, put the file or a backup back, remove the -wal and -shm beside it, and "
        + "start the broker"
      : "restart the broker"
    return LedgerError(
      code: .lost, path: path,
      reason: "\(suffix.isEmpty ? "it" : "its \(suffix)") was \(what) while the broker runs, which "
        + "serves what is in memory and records no payments; \(cure)")
  }

  /// Checks what is there before a ledger is opened: SQLite throws a WAL away that stands beside an
  /// empty file or none.
  ///
  /// - Parameters:
  ///   - path: The ledger's file.
  ///   - lock: Knows whether a ledger was in it.
  /// - Throws: `LedgerError` (`corrupt`).
  static func requireWhole(_ path: String, _ lock: borrowing FileLock) throws(LedgerError) {
    let file = FileStamp(path)
    guard file?.size ?? 0 == 0 else { return }
    if let wal = FileStamp(path + "-wal"), wal.size > 0 {
      throw LedgerError(
        code: .corrupt, path: path,
        reason: "it is \(file == nil ? "missing" : "empty"), but its -wal is not, which may hold "
          + "payments; put back the file that the -wal belongs to, or remove the -wal too and restore "
          + "a backup")
    }
    guard file != nil else { return lock.unmark() }
    guard !lock.isMarked else {
      throw LedgerError(
        code: .corrupt, path: path,
        reason: "it is empty, though a ledger was in it; restore a backup, or remove the file to "
          + "begin a new ledger")
    }
  }
}

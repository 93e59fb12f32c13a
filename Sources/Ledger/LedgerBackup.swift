import GRDB
import Glibc

/// A copy of a ledger, made while the broker runs.
///
/// SQLite copies the pages as they are at one moment (https://sqlite.org/backup.html), so the copy
/// needs no WAL, and neither the broker nor a shell is held up. It is whole or not there: it is
/// written under another name, synchronised, checked, and renamed.
public struct LedgerBackup: Sendable {
  /// What the copy holds.
  public struct Report: Hashable, Sendable {
    /// How many payments.
    public var paymentCount: Int64
    /// When the newest of them was made, in Unix milliseconds; nil where there is none.
    public var newestMs: Int64?
    /// Its size.
    public var byteCount: Int64
  }

  /// The copy's file.
  public let path: String

  /// A backup to a file.
  public init(path: String) {
    self.path = path
  }

  /// Copies a ledger.
  ///
  /// - Parameters:
  ///   - ledger: The ledger.
  ///   - isReplacing: Whether a file that is there already is replaced; never the ledger itself.
  ///   - isOver: Asked between two steps; true ends it early, and nothing is left behind.
  /// - Returns: What the copy holds.
  /// - Throws: `LedgerError`, or `BackupError` where the copy cannot be written.
  public func write(
    _ ledger: LedgerReader, isReplacing: Bool, isOver: () -> Bool = { false }
  ) throws -> Report {
    try checkTarget(ledger.path, isReplacing: isReplacing)
    let temporary = try createTemporary()
    defer { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(temporary + suffix) } }
    let interrupted = BackupError(path: path, reason: "it was interrupted, and is not there")
    try copy(ledger, to: temporary)
    guard !isOver() else { throw interrupted }
    try synchronize(temporary)
    let report = try check(temporary)
    guard !isOver() else { throw interrupted }
    try rename(temporary, isReplacing: isReplacing)
    try synchronize(folder)
    return report
  }

  private var folder: String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private func checkTarget(_ ledger: String, isReplacing: Bool) throws {
    var target = stat()
    guard lstat(path, &target) == 0 else { return }
    for suffix in ["", "-wal", "-shm", "-lock"] {
      var part = stat()
      guard stat(ledger + suffix, &part) == 0 else { continue }
      if part.st_dev == target.st_dev, part.st_ino == target.st_ino {
        throw BackupError(path: path, reason: "it is the ledger itself; name another file")
      }
    }
    guard target.st_mode & S_IFMT == S_IFREG else {
      throw BackupError(path: path, reason: "it is no regular file; name another")
    }
    guard isReplacing else { throw exists }
  }

  private var exists: BackupError {
    BackupError(path: path, reason: "it is there already; name another file, or use --force")
  }

  /// An empty file beside the copy's, which its owner alone may read.
  private func createTemporary() throws -> String {
    var name = Array("\(path).XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else { throw failure("it cannot be made", errno) }
    close(descriptor)
    return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func copy(_ ledger: LedgerReader, to temporary: String) throws {
    let copy: DatabaseQueue
    do {
      copy = try DatabaseQueue(path: temporary)
      try ledger.copy(to: copy)
      try copy.close()
    } catch let error as DatabaseError {
      guard ![.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) else {
        throw LedgerError(error, path: ledger.path, isReading: true)
      }
      throw BackupError(
        path: path, reason: "it cannot be written (\(error.message ?? "unknown error"))")
    }
  }

  private func check(_ temporary: String) throws -> Report {
    let copy = try LedgerReader(path: temporary, versions: .olderToo)
    let damage = try copy.damage()
    guard damage.isEmpty else {
      throw BackupError(
        path: path,
        reason: "the ledger is damaged, and so would be the copy, which was not kept: "
          + damage.joined(separator: "; "))
    }
    let (count, newestMs) = try copy.paymentCount()
    var status = stat()
    guard stat(temporary, &status) == 0 else { throw failure("it has vanished", errno) }
    return Report(paymentCount: count, newestMs: newestMs, byteCount: Int64(status.st_size))
  }

  /// A link fails where the name is taken meanwhile; a file system without links has to do without.
  private func rename(_ temporary: String, isReplacing: Bool) throws {
    if !isReplacing {
      if link(temporary, path) == 0 { return }
      guard errno != EEXIST, access(path, F_OK) != 0 else { throw exists }
    }
    guard Glibc.rename(temporary, path) == 0 else { throw failure("it cannot be renamed", errno) }
  }

  private func synchronize(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("it cannot be synchronised", errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("it cannot be synchronised", errno) }
  }

  private func failure(_ what: String, _ code: Int32) -> BackupError {
    BackupError(path: path, reason: "\(what) (\(String(cString: strerror(code))))")
  }
}

/// Why a copy cannot be written: one sentence, with the file.
public struct BackupError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The copy's file.
  public let path: String
  /// What is wrong, and what to do.
  public let reason: String

  /// `backup FILE: REASON`.
  public var description: String { "backup \(path): \(reason)" }
}

extension LedgerReader {
  /// What `PRAGMA quick_check` finds, which reads every page; none where all is well.
  ///
  /// - Throws: `LedgerError`.
  public func damage() throws(LedgerError) -> [String] {
    do throws(LedgerError) {
      return try read { db in
        var findings: [String] = []
        try Prepared("PRAGMA quick_check(10)", db).forEach { row in
          if let finding = row.text(0), finding != "ok" { findings.append(finding) }
          return true
        }
        return findings
      }
    } catch {
      // Some damage SQLite meets as an error, while it prepares to look for it.
      guard error.code == .corrupt else { throw error }
      return ["a page cannot be read"]
    }
  }
}

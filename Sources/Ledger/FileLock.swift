import Glibc

/// Keeps a second broker, or a second `plugin` line, away from a ledger.
///
/// The lock is on a file of its own beside the ledger: closing any other descriptor of the ledger
/// would drop SQLite's own locks (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
struct FileLock: ~Copyable {
  private let descriptor: CInt

  init(ledger path: String) throws(LedgerError) {
    descriptor = open(path + "-lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw LedgerError(
        code: .cannotOpen, path: path,
        reason: "its folder cannot be written (\(reason)); make the folder exist and belong to "
          + "the broker's user, as with: chown mosquitto: FOLDER")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw LedgerError(
        code: .busy, path: path,
        reason: "another broker or plugin line has it open; give each a ledger of its own")
    }
  }

  /// Whether a ledger was made beside it: an empty one has then been damaged, and is not new.
  var isMarked: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_size > 0
  }

  /// Notes that a ledger was made.
  func mark() {
    let mark: [UInt8] = [UInt8(ascii: "\n")]
    // Without it, as on a full disk, an emptied ledger is taken for a new one, as ever.
    if !isMarked { _ = pwrite(descriptor, mark, mark.count, 0) }
  }

  /// Notes that there is none.
  func unmark() {
    _ = ftruncate(descriptor, 0)
  }

  deinit {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
  }
}

import Glibc

/// A file that its owner alone may read (mode 0600).
struct PrivateFile {
  /// What the file is, for errors: `key file`.
  let kind: String
  let path: String
  let maximumByteCount: Int
  /// fsync(2), or what a test puts in its place.
  var sync: @Sendable (Int32) -> Int32 = { fsync($0) }

  /// The content; nil where there is no such file.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where others can read it too, or it cannot be
  ///   read.
  func read() throws(WalletError) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      guard errno == ENOENT else { throw failure(reason(errno)) }
      return nil
    }
    defer { close(file) }
    try checkAccess(to: file)
    var text = [UInt8](repeating: 0, count: maximumByteCount)
    defer { explicit_bzero(&text, text.count) }
    let count = Glibc.read(file, &text, text.count)
    guard count >= 0 else { throw failure(reason(errno)) }
    return Array(text[..<count])
  }

  /// Writes the content, replacing the file whole or not at all, and makes its folder (mode 0700)
  /// where it is missing.
  ///
  /// Once it returns, the content outlasts a power cut.
  func replace(with content: [UInt8]) throws(WalletError) {
    try createFolder()
    let new = "\(path).new"
    unlink(new)
    let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure(reason(errno)) }
    defer { close(file) }
    guard write(file, content, content.count) == content.count, sync(file) == 0,
      rename(new, path) == 0
    else {
      let error = failure("it cannot be written: " + reason(errno))
      unlink(new)
      throw error
    }
    try syncFolder()
  }

  /// Has the disk hold the name of the file too, which fsync(2) of the file does not promise.
  func syncFolder() throws(WalletError) {
    let end = path.lastIndex(of: "/")
    try sync(folder: end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
  }

  private func sync(folder: String) throws(WalletError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      // A folder that may be entered and not listed cannot be opened.
      guard errno != EACCES else { return }
      throw failure("the folder \(folder) cannot be opened: " + reason(errno))
    }
    defer { close(descriptor) }
    // Some file systems know no fsync of folders, and say EINVAL.
    guard sync(descriptor) == 0 || errno == EINVAL else {
      throw failure("the folder \(folder) cannot be written: " + reason(errno))
    }
  }

  /// Waits until nobody else changes the file.
  ///
  /// - Returns: A descriptor; closing it lets the next one.
  func lock() throws(WalletError) -> Int32 {
    try createFolder()
    // A file of its own, for the other one is replaced.
    let lock = open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw failure(reason(errno)) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else {
        let error = failure("it cannot be locked: " + reason(errno))
        close(lock)
        throw error
      }
    }
    return lock
  }

  /// Makes the folder of the file where it is missing.
  func createFolder() throws(WalletError) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
    var folder = path.hasPrefix("/") ? "" : "."
    for part in parts {
      let parent = folder.isEmpty ? "/" : folder
      folder += "/" + part
      if mkdir(folder, 0o700) == 0 {
        try sync(folder: parent)
      } else if errno != EEXIST, access(folder, X_OK) != 0 {
        throw failure("the folder \(folder) cannot be made: " + reason(errno))
      }
    }
  }

  private func checkAccess(to file: Int32) throws(WalletError) {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure(reason(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("it is no regular file") }
    guard status.st_mode & 0o077 == 0 else {
      throw failure("others may read it; run 'chmod 600' on it, and think of its secret as known")
    }
    guard status.st_uid == geteuid() else { throw failure("it belongs to another user") }
    guard status.st_size <= maximumByteCount else { throw failure("it is too large for one") }
  }

  func failure(_ reason: String) -> WalletError {
    WalletError(.keyFile, "The \(kind) \(path) cannot be used: \(reason).")
  }

  func reason(_ code: Int32) -> String {
    String(cString: strerror(code))
  }
}

import Glibc
public import IOTACrypto

/// A file that holds one private key as `iotaprivkey1…`, the text that IOTA's wallets import.
///
/// Only its owner may read it (mode 0600); it is never overwritten.
public struct KeyFile: Hashable, Sendable {
  /// Where the file is.
  public let path: String

  private static let maximumByteCount = 1024

  /// The file at a path.
  public init(path: String) {
    self.path = path
  }

  /// Reads the key.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where there is no such file, others can read
  ///   it, or it holds no key.
  public func read() throws(WalletError) -> PrivateKey {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      throw failure(
        errno == ENOENT
          ? "there is none; make one with 'paywall wallet new', or name it with --wallet"
          : reason(errno))
    }
    defer { close(file) }
    try checkAccess(to: file)
    var text = [UInt8](repeating: 0, count: Self.maximumByteCount)
    defer { explicit_bzero(&text, text.count) }
    let count = Glibc.read(file, &text, text.count)
    guard count >= 0 else { throw failure(reason(errno)) }
    let line = String(decoding: text[..<count], as: UTF8.self)
    do {
      return try PrivateKey(exported: line.drop(while: \.isWhitespace).prefix { !$0.isWhitespace })
    } catch {
      throw WalletError(.keyFile, "The key file \(path) holds no key. \(error)")
    }
  }

  /// Writes the key into a new file, making the folder (mode 0700) where it is missing.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile`, also where the file exists.
  public func create(_ key: PrivateKey) throws(WalletError) {
    try createFolder()
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw failure(
        errno == EEXIST
          ? "it exists, and is never overwritten; name another with --wallet" : reason(errno))
    }
    defer { close(file) }
    var text = Array((key.exported + "\n").utf8)
    defer { explicit_bzero(&text, text.count) }
    guard write(file, text, text.count) == text.count, fsync(file) == 0 else {
      let error = failure("it cannot be written: " + reason(errno))
      unlink(path)
      throw error
    }
  }

  private func checkAccess(to file: Int32) throws(WalletError) {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure(reason(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("it is no regular file") }
    guard status.st_mode & 0o077 == 0 else {
      throw failure("others may read it; run 'chmod 600' on it, and think of the key as known")
    }
    guard status.st_uid == geteuid() else { throw failure("it belongs to another user") }
    guard status.st_size <= Self.maximumByteCount else { throw failure("it is too large for one") }
  }

  private func createFolder() throws(WalletError) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
    var folder = path.hasPrefix("/") ? "" : "."
    for part in parts {
      folder += "/" + part
      guard mkdir(folder, 0o700) == 0 || errno == EEXIST || access(folder, X_OK) == 0 else {
        throw failure("the folder \(folder) cannot be made: " + reason(errno))
      }
    }
  }

  private func failure(_ reason: String) -> WalletError {
    WalletError(.keyFile, "The key file \(path) cannot be used: \(reason).")
  }

  private func reason(_ code: Int32) -> String {
    String(cString: strerror(code))
  }
}

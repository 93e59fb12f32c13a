import Glibc
public import IOTACrypto

/// A file that holds one private key as `iotaprivkey1…`, the text that IOTA's wallets import.
///
/// Only its owner may read it (mode 0600); it is never overwritten.
public struct KeyFile: Hashable, Sendable {
  /// Where the file is.
  public let path: String

  /// The file at a path.
  public init(path: String) {
    self.path = path
  }

  private var file: PrivateFile {
    PrivateFile(kind: "key file", path: path, maximumByteCount: 1024)
  }

  /// Reads the key.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where there is no such file, others can read
  ///   it, or it holds no key.
  public func read() throws(WalletError) -> PrivateKey {
    guard var text = try file.read() else {
      throw file.failure(
        "there is none; make one with 'paywall wallet new', or name it with --wallet")
    }
    defer { explicit_bzero(&text, text.count) }
    let line = String(decoding: text, as: UTF8.self)
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
    try file.createFolder()
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw file.failure(
        errno == EEXIST
          ? "it exists, and is never overwritten; name another with --wallet" : file.reason(errno))
    }
    defer { close(descriptor) }
    var text = Array((key.exported + "\n").utf8)
    defer { explicit_bzero(&text, text.count) }
    guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
      let error = file.failure("it cannot be written: " + file.reason(errno))
      unlink(path)
      throw error
    }
    try file.syncFolder()
  }
}

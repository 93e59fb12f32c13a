import Glibc
public import IOTACrypto
import PaywallCore

/// The file of the secret from which the broker derives all others: 32 random bytes, written as 64
/// hexadecimal digits.
///
/// Brokers that share an address share it.
public enum MasterSecret {
  /// Reads the secret, or makes it where the file is missing and may be made.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - mayCreate: Whether a missing file is made: together with a new ledger only.
  /// - Returns: The secret.
  /// - Throws: `StartError`.
  public static func load(path: String, mayCreate: Bool) throws(StartError) -> MasterKey {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = errno
      guard reason == ENOENT else { throw StartError(secret: path, errno: reason) }
      guard mayCreate else {
        throw StartError(
          "secret_file \(path) is missing, but the ledger was made with one: put it back, for "
            + "without it nobody's password and no sealed memo can be read")
      }
      return try create(path: path)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 == 0 else {
      throw StartError(
        "secret_file \(path) can be read by others; run: chmod 600 \(path)")
    }
    var text = [UInt8](repeating: 0, count: 128)
    let count = read(descriptor, &text, text.count)
    let digits = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
      .split(whereSeparator: \.isWhitespace)
    guard digits.count == 1, let key = Hex.decode(digits[0]).flatMap({ MasterKey($0) }) else {
      throw StartError(
        "secret_file \(path) does not hold 64 hexadecimal digits; put back the right file")
    }
    return key
  }

  private static func create(path: String) throws(StartError) -> MasterKey {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StartError(secret: path, errno: errno) }
    defer { close(descriptor) }
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    guard let key = MasterKey(bytes) else { throw StartError(secret: path, errno: EINVAL) }
    let line = Array((Hex.encode(bytes) + "\n").utf8)
    guard write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
      let reason = errno
      unlink(path)
      throw StartError(secret: path, errno: reason)
    }
    return key
  }
}

extension StartError {
  fileprivate init(secret path: String, errno: CInt) {
    self.init(
      "secret_file \(path) cannot be opened (\(String(cString: strerror(errno)))); its folder has "
        + "to exist and belong to the broker's user, as with: chown mosquitto: FOLDER")
  }
}

import CSodium

/// What the module needs from libsodium itself.
///
/// Source: https://doc.libsodium.org/usage
enum Sodium {
  /// Chooses the fastest implementations, once; safe to ask from any thread.
  ///
  /// Hashes and signatures are right without it too, only slower, so its result is not needed.
  static let isReady: Bool = sodium_init() >= 0
}

/// Random bytes from the system's generator, fit for keys.
public func randomBytes(count: Int) -> [UInt8] {
  _ = Sodium.isReady
  var bytes = [UInt8](repeating: 0, count: max(count, 0))
  randombytes_buf(&bytes, bytes.count)
  return bytes
}

/// Overwrites the bytes with zeros, in a way the compiler does not optimise away.
///
/// It reaches this copy alone: other holders of the same array keep theirs.
func wipe(_ bytes: inout [UInt8]) {
  sodium_memzero(&bytes, bytes.count)
}

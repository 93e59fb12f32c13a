import CSodium

/// HMAC with SHA-512, and the key derivation built on it.
///
/// Sources: RFC 2104, RFC 8018 §5.2.
enum HMACSHA512 {
  /// The 64-byte code of the message.
  static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    code(of: message, from: keyed(key))
  }

  /// The first 64-byte block of PBKDF2.
  static func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
    var start = keyed(password)
    defer { sodium_memzero(&start, MemoryLayout.size(ofValue: start)) }
    var block = code(of: salt + [0, 0, 0, 1], from: start)
    var result = block
    for _ in 1..<max(iterations, 2) {
      block = code(of: block, from: start)
      for index in result.indices {
        result[index] ^= block[index]
      }
    }
    wipe(&block)
    return result
  }

  private static func keyed(_ key: [UInt8]) -> crypto_auth_hmacsha512_state {
    _ = Sodium.isReady
    var state = crypto_auth_hmacsha512_state()
    crypto_auth_hmacsha512_init(&state, key, key.count)
    return state
  }

  private static func code(
    of message: [UInt8], from start: crypto_auth_hmacsha512_state
  ) -> [UInt8] {
    var state = start
    var code = [UInt8](repeating: 0, count: Int(crypto_auth_hmacsha512_BYTES))
    crypto_auth_hmacsha512_update(&state, message, UInt64(message.count))
    crypto_auth_hmacsha512_final(&state, &code)
    sodium_memzero(&state, MemoryLayout.size(ofValue: state))
    return code
  }
}

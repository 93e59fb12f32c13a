import CSodium
public import PaywallCore

/// BLAKE2b with a result of 256 bits, the hash of IOTA's digests and addresses.
///
/// Source: RFC 7693.
public enum Blake2b {
  /// The hash of the bytes.
  public static func hash(_ bytes: [UInt8]) -> Bytes32 {
    hash(bytes, key: [])
  }

  /// The hash of the bytes, keyed with 16 to 64 bytes (RFC 7693 §2.9); an empty key: no key.
  ///
  /// A key longer than 64 bytes is hashed first.
  public static func hash(_ bytes: [UInt8], key: [UInt8]) -> Bytes32 {
    _ = Sodium.isReady
    let key = key.count > Int(crypto_generichash_blake2b_KEYBYTES_MAX) ? hash(key).bytes : key
    var result = [UInt8](repeating: 0, count: 32)
    // Fails for lengths out of range only, which these are not.
    _ = crypto_generichash_blake2b(
      &result, result.count, bytes, UInt64(bytes.count), key.isEmpty ? nil : key, key.count)
    return Bytes32(result) ?? .zero
  }
}

import COpenSSL
import CSodium

/// A curve of which IOTA takes ECDSA signatures.
///
/// Source: SEC 2, version 2 (https://www.secg.org/sec2-v2.pdf), §2.4.
enum EllipticCurve: String, Sendable {
  case secp256k1
  /// Also called P-256 and prime256v1.
  case secp256r1 = "prime256v1"

  /// Half the order of the curve's group, big endian.
  private var halfOrder: [UInt8] {
    switch self {
    case .secp256k1:
      [
        0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b,
        0x20, 0xa0,
      ]
    case .secp256r1:
      [
        0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31,
        0x92, 0xa8,
      ]
    }
  }

  /// Whether the 64 bytes `r ‖ s` are an ECDSA signature of the message's SHA-256 by the key, a
  /// point in its compressed form of 33 bytes.
  ///
  /// As on the network, `s` must be at most half the order, so that nobody can make a second
  /// signature of a first. Bytes of any content are judged, not trusted.
  ///
  /// It takes about 0.2 ms on secp256r1 and 1 ms on secp256k1, for which OpenSSL has no special code.
  ///
  /// Source: MystenLabs/fastcrypto, fastcrypto/src/secp256k1 and secp256r1.
  func isValid(signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
    guard signature.count == 64, key.count == 33 else { return false }
    let s = signature[32...]
    guard !halfOrder.lexicographicallyPrecedes(s) else { return false }
    let encoded = Self.derSequence(Self.derInteger(signature[..<32]) + Self.derInteger(s))
    _ = Sodium.isReady
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    _ = crypto_hash_sha256(&digest, message, UInt64(message.count))

    // The thread's queue of errors is the broker's too: what was in it stays, what comes here goes.
    ERR_set_mark()
    defer { ERR_pop_to_mark() }
    guard let publicKey = paywall_openssl_public_key(rawValue, key, key.count) else { return false }
    defer { EVP_PKEY_free(publicKey) }
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, publicKey, nil) else { return false }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_verify_init(context) == 1 else { return false }
    return EVP_PKEY_verify(context, encoded, encoded.count, digest, digest.count) == 1
  }

  /// A positive number in DER, the form in which OpenSSL reads signatures (RFC 3279 §2.2.3): without
  /// leading zeros, but for one where the first bit would be taken for a sign.
  private static func derInteger(_ bigEndian: ArraySlice<UInt8>) -> [UInt8] {
    var bytes = Array(bigEndian.drop { $0 == 0 })
    if bytes.first.map({ $0 >= 0x80 }) ?? true { bytes.insert(0, at: 0) }
    return [0x02, UInt8(truncatingIfNeeded: bytes.count)] + bytes
  }

  /// Two numbers of 32 bytes take 70 at most, so the length has one byte.
  private static func derSequence(_ content: [UInt8]) -> [UInt8] {
    [0x30, UInt8(truncatingIfNeeded: content.count)] + content
  }
}

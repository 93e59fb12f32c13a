public import PaywallCore

/// A public key of Ed25519 (RFC 8032) or of ECDSA on secp256k1 or secp256r1, or a passkey, which can
/// be told and hashed, but not verified with.
public struct PublicKey: Hashable, Sendable {
  /// The scheme of the key.
  public let scheme: SignatureScheme
  /// The 32 bytes for Ed25519; for the others the 33 of a point in its compressed form.
  public let bytes: [UInt8]

  /// An Ed25519 key of the given bytes.
  ///
  /// Whether they are a point of the curve is found out by verifying.
  public init(_ bytes32: Bytes32) {
    scheme = .ed25519
    bytes = bytes32.bytes
  }

  /// A key of the given bytes, or nil unless the scheme has keys, and of that many bytes.
  ///
  /// Whether they are a point of the curve is found out by verifying.
  public init?(_ scheme: SignatureScheme, bytes: some Collection<UInt8>) {
    guard bytes.count == scheme.publicKeyByteCount else { return nil }
    self.scheme = scheme
    self.bytes = Array(bytes)
  }

  /// The bytes that stand for the key in hashes: the scheme's flag and the key, for Ed25519, and for
  /// it alone, without the flag.
  var hashedBytes: [UInt8] { scheme == .ed25519 ? bytes : [scheme.flag] + bytes }

  /// The address that the key controls: BLAKE2b-256 of the flag and the key.
  ///
  /// Source: iotaledger/iota, crates/iota-types/src/base_types.rs
  /// (`impl From<&PublicKey> for IotaAddress`).
  public var address: Address { Address(Blake2b.hash(hashedBytes)) }

  /// Whether the 64 bytes are this key's signature of the message.
  ///
  /// As the network judges it: for ECDSA, signatures that are not in canonical form are refused.
  public func isValid(signature: [UInt8], of message: [UInt8]) -> Bool {
    switch scheme {
    case .ed25519: Ed25519.isValid(signature: signature, of: message, by: bytes)
    case .secp256k1: EllipticCurve.secp256k1.isValid(signature: signature, of: message, by: bytes)
    case .secp256r1: EllipticCurve.secp256r1.isValid(signature: signature, of: message, by: bytes)
    default: false
    }
  }
}

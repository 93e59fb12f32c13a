import CSodium
public import PaywallCore

/// An Ed25519 public key (RFC 8032).
public struct PublicKey: Hashable, Sendable {
  /// The 32 bytes.
  public let bytes32: Bytes32

  /// A key of the given bytes.
  ///
  /// Whether they are a point of the curve is found out by verifying.
  public init(_ bytes32: Bytes32) {
    self.bytes32 = bytes32
  }

  /// A key of the given bytes, or nil unless there are exactly 32.
  public init?(bytes: some Collection<UInt8>) {
    guard let bytes32 = Bytes32(bytes) else { return nil }
    self.bytes32 = bytes32
  }

  /// The 32 bytes.
  public var bytes: [UInt8] { bytes32.bytes }

  /// The scheme of the key.
  public var scheme: SignatureScheme { .ed25519 }

  /// The address that the key controls: BLAKE2b-256 of the key.
  ///
  /// For Ed25519, and for it alone, the scheme's flag is left out.
  ///
  /// Source: iotaledger/iota, crates/iota-types/src/base_types.rs
  /// (`impl From<&PublicKey> for IotaAddress`).
  public var address: Address { Address(Blake2b.hash(bytes)) }

  /// Whether the 64 bytes are this key's signature of the message.
  ///
  /// Signatures that are not in canonical form, and keys of small order, are refused.
  public func isValid(signature: [UInt8], of message: [UInt8]) -> Bool {
    _ = Sodium.isReady
    guard signature.count == Int(crypto_sign_ed25519_BYTES) else { return false }
    return crypto_sign_ed25519_verify_detached(signature, message, UInt64(message.count), bytes)
      == 0
  }
}

public import PaywallCore

/// One key's signature as IOTA's transactions and wallets carry it: `flag ‖ signature ‖ public key`.
///
/// Source: iotaledger/iota, crates/iota-types/src/crypto.rs (`Signature`).
public struct Signature: Hashable, Sendable {
  /// The 64 bytes of the signature itself.
  public let bytes: [UInt8]
  /// The key that is said to have signed.
  public let publicKey: PublicKey

  init(bytes: [UInt8], publicKey: PublicKey) {
    self.bytes = bytes
    self.publicKey = publicKey
  }

  /// Why bytes are no signature that can be verified here.
  public enum ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes have no form that IOTA knows.
    case malformed
    /// The signature is of a scheme that is not verified here.
    case unsupported(SignatureScheme)

    /// What is wrong.
    public var description: String {
      switch self {
      case .malformed: "The signature is malformed."
      case .unsupported(let scheme):
        "The signature's scheme, \(scheme), is not supported: sign with a key of Ed25519, secp256k1 "
          + "or secp256r1, or several of them."
      }
    }
  }

  /// The schemes of one key that are verified here.
  static let schemes: [SignatureScheme] = [.ed25519, .secp256k1, .secp256r1]

  static let byteCount = 64

  /// Reads a serialized signature of one key; one of several is a ``MultisigSignature``.
  public init(serialized: [UInt8]) throws(ParseError) {
    guard let flag = serialized.first else { throw .malformed }
    let scheme = SignatureScheme(flag: flag)
    guard Self.schemes.contains(scheme) else { throw .unsupported(scheme) }
    let content = serialized.dropFirst()
    guard let key = PublicKey(scheme, bytes: content.dropFirst(Self.byteCount)) else {
      throw .malformed
    }
    bytes = Array(content.prefix(Self.byteCount))
    publicKey = key
  }

  /// `flag ‖ signature ‖ public key`: 97 bytes for Ed25519, else 98.
  public var serialized: [UInt8] {
    [publicKey.scheme.flag] + bytes + publicKey.bytes
  }

  /// The serialized form in base64, 132 characters.
  public var base64: String { Base64.encode(serialized) }

  /// Whether the address's key signed the transaction.
  public func isValid(for transaction: Transaction, by address: Address) -> Bool {
    isValid(for: Intent.signingDigest(of: transaction), by: address)
  }

  /// Whether the address's key signed the personal message.
  public func isValid(forPersonalMessage message: [UInt8], by address: Address) -> Bool {
    isValid(for: Intent.signingDigest(ofPersonalMessage: message), by: address)
  }

  private func isValid(for digest: Bytes32, by address: Address) -> Bool {
    publicKey.address == address && isValid(for: digest)
  }

  /// Whether the key signed the digest, whoever that is.
  func isValid(for digest: Bytes32) -> Bool {
    publicKey.isValid(signature: bytes, of: digest.bytes)
  }
}

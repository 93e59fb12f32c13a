public import PaywallCore

/// A signature as IOTA's transactions and wallets carry it: `flag ‖ signature ‖ public key`.
///
/// Source: iotaledger/iota, crates/iota-types/src/crypto.rs (`Signature`).
public struct Signature: Hashable, Sendable {
  /// The 64 bytes of the Ed25519 signature.
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
    /// The signature is of a scheme that this module does not verify.
    case unsupported(SignatureScheme)

    /// What is wrong.
    public var description: String {
      switch self {
      case .malformed: "The signature is malformed: for Ed25519, it has 97 bytes."
      case .unsupported(let scheme):
        "The signature's scheme, \(scheme), is not supported: sign with an Ed25519 key."
      }
    }
  }

  /// Reads a serialized signature.
  public init(serialized: [UInt8]) throws(ParseError) {
    guard let flag = serialized.first else { throw .malformed }
    let scheme = SignatureScheme(flag: flag)
    guard scheme == .ed25519 else { throw .unsupported(scheme) }
    guard serialized.count == 97, let key = PublicKey(bytes: serialized[65...]) else {
      throw .malformed
    }
    bytes = Array(serialized[1..<65])
    publicKey = key
  }

  /// `flag ‖ signature ‖ public key`, 97 bytes.
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
    publicKey.address == address && publicKey.isValid(signature: bytes, of: digest.bytes)
  }
}

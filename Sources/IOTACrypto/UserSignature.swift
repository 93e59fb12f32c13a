public import PaywallCore

/// A signature of an address's owner: of one key, or of several together.
///
/// Source: iotaledger/iota-rust-sdk, crates/iota-sdk-types/src/crypto/signature.rs
/// (`UserSignature`).
public enum UserSignature: Hashable, Sendable {
  /// Of one key.
  case plain(Signature)
  /// Of several keys.
  case multisig(MultisigSignature)

  /// Reads a serialized signature.
  public init(serialized: [UInt8]) throws(Signature.ParseError) {
    self =
      if serialized.first == SignatureScheme.multisig.flag {
        .multisig(try MultisigSignature(serialized: serialized))
      } else {
        .plain(try Signature(serialized: serialized))
      }
  }

  /// The address whose owner is said to have signed.
  public var address: Address {
    switch self {
    case .plain(let signature): signature.publicKey.address
    case .multisig(let signature): signature.address
    }
  }

  /// Whether the address's owner signed the digest.
  ///
  /// What it takes: ``EllipticCurve/isValid(signature:of:by:)``, ten times for a multisig at worst.
  func isValid(for digest: Bytes32) -> Bool {
    switch self {
    case .plain(let signature): signature.isValid(for: digest)
    case .multisig(let signature): signature.isValid(for: digest)
    }
  }
}

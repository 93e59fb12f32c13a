/// The flag in front of IOTA's signatures and exported keys.
///
/// Source: iotaledger/iota, crates/iota-types/src/crypto.rs (`SignatureScheme`).
public struct SignatureScheme: Hashable, Sendable, CustomStringConvertible {
  /// The flag.
  public let flag: UInt8

  /// The scheme of the flag, known or not.
  public init(flag: UInt8) {
    self.flag = flag
  }

  /// Ed25519, the one scheme that this module signs with and verifies.
  public static let ed25519 = SignatureScheme(flag: 0)

  /// The scheme's name, or its number.
  public var description: String {
    switch flag {
    case 0: "Ed25519"
    case 1: "secp256k1"
    case 2: "secp256r1"
    case 3: "multisig"
    case 5: "zkLogin"
    case 6: "passkey"
    case 7: "Move authenticator"
    default: "scheme \(flag)"
    }
  }
}

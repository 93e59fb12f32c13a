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

  /// Ed25519, the one scheme that this module signs with.
  public static let ed25519 = SignatureScheme(flag: 0)
  /// ECDSA on secp256k1; verified only.
  public static let secp256k1 = SignatureScheme(flag: 1)
  /// ECDSA on secp256r1; verified only.
  public static let secp256r1 = SignatureScheme(flag: 2)
  /// Several keys, of which enough have to sign; verified only.
  public static let multisig = SignatureScheme(flag: 3)
  /// Accounts of other web sites; never enabled on IOTA, and not verified here.
  public static let zkLogin = SignatureScheme(flag: 5)
  /// Keys of WebAuthn; not verified here.
  public static let passkey = SignatureScheme(flag: 6)

  /// How many bytes the scheme's public keys have; nil where it has none.
  var publicKeyByteCount: Int? {
    switch self {
    case .ed25519: 32
    case .secp256k1, .secp256r1, .passkey: 33
    default: nil
    }
  }

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

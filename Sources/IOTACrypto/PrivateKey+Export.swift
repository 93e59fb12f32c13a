extension PrivateKey {
  private static let exportPrefix = "iotaprivkey"

  /// Why text is no private key.
  public enum ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text is no Bech32.
    case bech32(Bech32.ParseError)
    /// The text is Bech32 of something else.
    case notAPrivateKey
    /// The key is of a scheme that this module does not sign with.
    case unsupported(SignatureScheme)

    /// What is wrong; no part of the text.
    public var description: String {
      switch self {
      case .bech32(let error): "The private key cannot be read. \(error)"
      case .notAPrivateKey:
        "The text is no private key: it must begin with iotaprivkey1 and hold 33 bytes."
      case .unsupported(let scheme):
        "The private key is for \(scheme), which is not supported: use an Ed25519 key."
      }
    }
  }

  /// Reads `iotaprivkey1…`, the form in which IOTA's wallets export a key: Bech32 of the scheme's
  /// flag and the 32 bytes.
  ///
  /// Source: iotaledger/iota, crates/iota-types/src/crypto.rs (`IotaKeyPair::encode`).
  public init(exported text: some StringProtocol) throws(ImportError) {
    var decoded: (prefix: String, bytes: [UInt8])
    do {
      decoded = try Bech32.decode(text)
    } catch {
      throw .bech32(error)
    }
    defer { wipe(&decoded.bytes) }
    guard decoded.prefix == Self.exportPrefix, let flag = decoded.bytes.first else {
      throw .notAPrivateKey
    }
    let scheme = SignatureScheme(flag: flag)
    guard scheme == .ed25519 else { throw .unsupported(scheme) }
    guard let key = PrivateKey(seed: Array(decoded.bytes.dropFirst())) else {
      throw .notAPrivateKey
    }
    self = key
  }

  /// The key as `iotaprivkey1…`.
  ///
  /// A secret: whoever reads it has the money.
  public var exported: String {
    withSeed { Bech32.encode(prefix: Self.exportPrefix, [scheme.flag] + $0) }
  }
}

import CSodium
public import PaywallCore

/// An Ed25519 private key (RFC 8032), kept out of descriptions and wiped when nobody holds it.
public struct PrivateKey: Sendable, CustomStringConvertible {
  /// libsodium's form: the 32-byte seed, then the public key.
  private let secret: SecretBytes

  /// The public key.
  public let publicKey: PublicKey

  /// A new random key.
  public init() {
    var seed = randomBytes(count: Self.seedByteCount)
    defer { wipe(&seed) }
    self.init(checkedSeed: seed)
  }

  /// The key of the given seed (what exports hold as the private key), or nil unless it has
  /// exactly 32 bytes.
  public init?(seed: [UInt8]) {
    guard seed.count == Self.seedByteCount else { return nil }
    self.init(checkedSeed: seed)
  }

  private static let seedByteCount = Int(crypto_sign_ed25519_SEEDBYTES)

  /// The key of 32 bytes.
  init(checkedSeed seed: [UInt8]) {
    _ = Sodium.isReady
    var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_ed25519_SECRETKEYBYTES))
    var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_ed25519_PUBLICKEYBYTES))
    defer { wipe(&secretKey) }
    _ = crypto_sign_ed25519_seed_keypair(&publicKey, &secretKey, seed)
    secret = SecretBytes(secretKey)
    self.publicKey = PublicKey(Bytes32(publicKey) ?? .zero)
  }

  /// The address that the key controls.
  public var address: Address { publicKey.address }

  /// The scheme of the key.
  public var scheme: SignatureScheme { .ed25519 }

  /// The address: never the secret.
  public var description: String { "the private key of \(address)" }

  /// The 64-byte signature of the message.
  public func signature(of message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Int(crypto_sign_ed25519_BYTES))
    secret.withBytes { key in
      _ = crypto_sign_ed25519_detached(
        &signature, nil, message, UInt64(message.count), key)
    }
    return signature
  }

  /// Signs a transaction, as its sender or the owner of its gas.
  public func sign(_ transaction: Transaction) -> Signature {
    sign(digest: Intent.signingDigest(of: transaction))
  }

  /// Signs a personal message.
  public func sign(personalMessage message: [UInt8]) -> Signature {
    sign(digest: Intent.signingDigest(ofPersonalMessage: message))
  }

  private func sign(digest: Bytes32) -> Signature {
    Signature(bytes: signature(of: digest.bytes), publicKey: publicKey)
  }

  /// Calls the body with the 32-byte seed, for an export; the bytes must not outlive the call.
  func withSeed<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    secret.withBytes { body(UnsafeBufferPointer(start: $0, count: Self.seedByteCount)) }
  }
}

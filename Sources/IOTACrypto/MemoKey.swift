import CSodium

/// A public key that a broker made for one client, to seal a memo with: only brokers of the same
/// master secret can open it.
///
/// Source: https://doc.libsodium.org/public-key_cryptography/sealed_boxes
public struct MemoKey: Hashable, Sendable {
  /// What names a key: 16 random bytes, from which the broker derives its secret part.
  public struct ID: Hashable, Sendable {
    static let byteCount = 16
    /// The 16 bytes.
    public let bytes: [UInt8]

    /// The id of the given bytes, or nil unless there are exactly 16.
    public init?(_ bytes: some Collection<UInt8>) {
      guard bytes.count == Self.byteCount else { return nil }
      self.bytes = Array(bytes)
    }

    /// A new random id.
    init() {
      bytes = randomBytes(count: Self.byteCount)
    }

    /// The id in base64url, 22 characters.
    public var text: String { Base64URL.encode(bytes) }
  }

  /// Which key it is.
  public let id: ID
  private let publicKey: [UInt8]

  init(id: ID, publicKey: [UInt8]) {
    self.id = id
    self.publicKey = publicKey
  }

  /// The key as a broker tells it on `$SYS/paywall/key`: `id` and `key`, both in base64url.
  ///
  /// Nil where these are not 16 and 32 bytes.
  public init?(id: String, key: String) {
    guard let idBytes = Base64URL.decode(Array(id.utf8)), let id = ID(idBytes),
      let publicKey = Base64URL.decode(Array(key.utf8)),
      publicKey.count == Int(crypto_box_PUBLICKEYBYTES)
    else { return nil }
    self.init(id: id, publicKey: publicKey)
  }

  /// The 32 bytes of the key in base64url, 43 characters.
  public var text: String { Base64URL.encode(publicKey) }

  /// Seals what a box is to hold: a JSON object as `BuyerLogin` reads it.
  ///
  /// - Parameter json: The object.
  /// - Returns: Base64url of the key's id and the box, for the memo's `sealed`; nil where the broker
  ///   gave a key with which nothing can be sealed.
  public func seal(_ json: [UInt8]) -> String? {
    _ = Sodium.isReady
    var box = [UInt8](repeating: 0, count: json.count + crypto_box_sealbytes())
    guard crypto_box_seal(&box, json, UInt64(json.count), publicKey) == 0 else { return nil }
    return Base64URL.encode(id.bytes + box)
  }
}

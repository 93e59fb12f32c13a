import CSodium
public import PaywallCore

/// The secret of a broker, or of several that share an address, from which it derives all others:
/// whoever holds it can open sealed memos and judge buyers' passwords, and nobody else.
///
/// Each derivation is a BLAKE2b-256 keyed with the secret over a text of its own, so that no derived
/// key says anything about another.
public struct MasterKey: Sendable {
  private let passwords: SecretBytes
  private let memos: SecretBytes
  /// What names the secret without giving it away: 32 hexadecimal digits.
  public let fingerprint: String

  /// The secret of 32 bytes; nil for any other number.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    func derived(_ purpose: String) -> [UInt8] {
      Blake2b.hash(Array("mqtt-paywall \(purpose)".utf8), key: bytes).bytes
    }
    passwords = SecretBytes(derived("passwords"))
    memos = SecretBytes(derived("memos"))
    fingerprint = Hex.encode(derived("fingerprint").prefix(16))
  }

  // MARK: - Passwords

  /// What is kept of a buyer's password: a keyed BLAKE2b-256 over the length of the name in one byte,
  /// the name and the password.
  ///
  /// The same on every broker with this secret, and worthless without it. It takes microseconds, for
  /// the broker's main thread computes it at each login: what makes guessing slow elsewhere would make
  /// the broker slow here, and who has the secret can open the memos anyway.
  public func passwordHash(name: Name, password: some Sequence<UInt8>) -> Bytes32 {
    Self.hash([UInt8(truncatingIfNeeded: name.bytes.count)] + name.bytes + password, passwords)
  }

  // MARK: - Sealed memos

  /// The key of an id, for a client to seal a memo with; no state is kept for it.
  public func memoKey(id: MemoKey.ID) -> MemoKey {
    var secretKey = secretKey(id)
    defer { wipe(&secretKey) }
    return MemoKey(id: id, publicKey: Self.publicKey(secretKey))
  }

  /// A key that nobody has been given before.
  public func newMemoKey() -> MemoKey { memoKey(id: MemoKey.ID()) }

  /// Opens a sealed memo: base64url of the key's id and a box.
  ///
  /// - Parameter memo: The memo's `sealed` as it was written, of any bytes.
  /// - Returns: The claim it holds; nil where it is sealed for another secret, was changed on its way,
  ///   or holds none.
  public func open(_ memo: [UInt8]) -> BuyerClaim? {
    // Pure inputs are below 16 KiB.
    guard memo.count < 1 << 14, let bytes = Base64URL.decode(memo),
      let id = MemoKey.ID(bytes.prefix(MemoKey.ID.byteCount)),
      var json = opened(Array(bytes.dropFirst(MemoKey.ID.byteCount)), id)
    else { return nil }
    defer { wipe(&json) }
    guard let login = BuyerLogin(json: json) else { return nil }
    return BuyerClaim(
      name: login.name, passwordHash: passwordHash(name: login.name, password: login.password),
      offer: login.offer)
  }

  private func opened(_ box: [UInt8], _ id: MemoKey.ID) -> [UInt8]? {
    let length = box.count - crypto_box_sealbytes()
    guard length > 0 else { return nil }
    var secretKey = secretKey(id)
    defer { wipe(&secretKey) }
    var text = [UInt8](repeating: 0, count: length)
    let status = crypto_box_seal_open(
      &text, box, UInt64(box.count), Self.publicKey(secretKey), secretKey)
    return status == 0 ? text : nil
  }

  private func secretKey(_ id: MemoKey.ID) -> [UInt8] { Self.hash(id.bytes, memos).bytes }

  private static func publicKey(_ secretKey: [UInt8]) -> [UInt8] {
    _ = Sodium.isReady
    var publicKey = [UInt8](repeating: 0, count: Int(crypto_box_PUBLICKEYBYTES))
    // Fails for no secret key of 32 bytes, which is clamped.
    _ = crypto_scalarmult_base(&publicKey, secretKey)
    return publicKey
  }

  private static func hash(_ bytes: [UInt8], _ key: SecretBytes) -> Bytes32 {
    key.withBytes { start in
      Blake2b.hash(bytes, key: Array(UnsafeBufferPointer(start: start, count: key.count)))
    }
  }
}

import CSodium

/// Signatures of Ed25519, judged as IOTA's network judges them: by the rules of ZIP 215, so that
/// there is one answer for all bytes.
///
/// libsodium alone refuses keys and points of small order and compares without the cofactor. What it
/// refuses and the network accepts would be a payment that is never clear, and anybody can make one.
///
/// Source: https://zips.z.cash/zip-0215; the network uses ed25519-consensus (MystenLabs/fastcrypto,
/// fastcrypto/src/ed25519.rs).
enum Ed25519 {
  private typealias Point = [UInt8]

  /// The neutral point of the curve.
  private static let identity: Point = [1] + Array(repeating: 0, count: 31)

  /// Whether the 64 bytes `R ‖ s` are the key's signature of the message.
  ///
  /// About 0.1 ms, a few times that for what libsodium refuses.
  static func isValid(signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
    _ = Sodium.isReady
    guard signature.count == Int(crypto_sign_ed25519_BYTES),
      key.count == Int(crypto_sign_ed25519_PUBLICKEYBYTES)
    else { return false }
    let status = crypto_sign_ed25519_verify_detached(
      signature, message, UInt64(message.count), key)
    return status == 0 || isValidWithCofactor(signature, message, key)
  }

  /// Whether `8sB = 8R + 8kA`, where k is the hash of R, A and the message.
  private static func isValidWithCofactor(
    _ signature: [UInt8], _ message: [UInt8], _ key: [UInt8]
  ) -> Bool {
    let s = Array(signature[32...])
    guard isReduced(s), let eightR = eightTimes(Array(signature[..<32])),
      let eightA = eightTimes(key), let product = multiply(hash(signature, message, key), eightA),
      let right = add(eightR, product), let left = eightTimes(multiplyBase(s))
    else { return false }
    return left == right
  }

  /// Whether a scalar is below the order of the group; reduced, it stays as it is.
  private static func isReduced(_ scalar: [UInt8]) -> Bool {
    reduce(scalar + Array(repeating: 0, count: 32)) == scalar
  }

  private static func reduce(_ wide: [UInt8]) -> [UInt8] {
    var scalar = [UInt8](repeating: 0, count: 32)
    crypto_core_ed25519_scalar_reduce(&scalar, wide)
    return scalar
  }

  private static func hash(
    _ signature: [UInt8], _ message: [UInt8], _ key: [UInt8]
  ) -> [UInt8] {
    let text = signature[..<32] + key + message
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha512_BYTES))
    _ = crypto_hash_sha512(&digest, Array(text), UInt64(text.count))
    return reduce(digest)
  }

  // MARK: - Points, encoded; any encoding of one is taken

  private static func add(_ left: Point, _ right: Point) -> Point? {
    var sum = identity
    return crypto_core_ed25519_add(&sum, left, right) == 0 ? sum : nil
  }

  private static func eightTimes(_ point: Point) -> Point? {
    add(point, point).flatMap { add($0, $0) }.flatMap { add($0, $0) }
  }

  /// A multiple of a point of the main subgroup.
  private static func multiply(_ scalar: [UInt8], _ point: Point) -> Point? {
    // libsodium multiplies neither by zero nor the neutral point.
    guard point != identity, scalar.contains(where: { $0 != 0 }) else { return identity }
    var product = identity
    return crypto_scalarmult_ed25519_noclamp(&product, scalar, point) == 0 ? product : nil
  }

  private static func multiplyBase(_ scalar: [UInt8]) -> Point {
    var product = identity
    guard scalar.contains(where: { $0 != 0 }) else { return identity }
    // Below the group's order no multiple is the neutral point, so it does not fail.
    _ = crypto_scalarmult_ed25519_base_noclamp(&product, scalar)
    return product
  }
}

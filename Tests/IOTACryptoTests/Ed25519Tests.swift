import PaywallCore
import TestSupport
import Testing

@testable import IOTACrypto

/// Ed25519 by the rules of ZIP 215, with which the network leaves no signature open.
struct Ed25519Tests {
  /// Every encoding of the eight points of small order, canonical or not.
  private static let smallOrder = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ].compactMap { Hex.decode($0) }

  /// The order of the group, little endian.
  private static let order =
    Hex.decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010") ?? []

  @Test func `points of small order are taken in every encoding`() {
    let zero = [UInt8](repeating: 0, count: 32)
    let one = [1] + zero.dropLast()
    #expect(Self.smallOrder.count == 14)
    for key in Self.smallOrder {
      for point in Self.smallOrder {
        #expect(Ed25519.isValid(signature: point + zero, of: [1, 2, 3], by: key))
        #expect(!Ed25519.isValid(signature: point + one, of: [1, 2, 3], by: key))
        #expect(
          !Ed25519.isValid(signature: point + Self.order, of: [1, 2, 3], by: key),
          "a second way to write zero")
      }
    }
  }

  @Test func `a signature is not valid for a changed message, key or signature`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let key = PrivateKey()
      let message = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
      let signature = key.signature(of: message)
      #expect(Ed25519.isValid(signature: signature, of: message, by: key.publicKey.bytes))
      for _ in 0..<20 {
        var (bytes, text, point) = (signature, message, key.publicKey.bytes)
        let bit: UInt8 = 1 << UInt8.random(in: 0..<8, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[Int.random(in: 0..<64, using: &random)] ^= bit
        case 1: text[Int.random(in: 0..<32, using: &random)] ^= bit
        default: point[Int.random(in: 0..<32, using: &random)] ^= bit
        }
        #expect(!Ed25519.isValid(signature: bytes, of: text, by: point), "SEED=\(seed)")
      }
    }
  }

  @Test func `random bytes are judged, never trusted`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for count in [0, 1, 32, 63, 64, 65, 1000] {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      for key in [[], Array(repeating: 7, count: 31), Self.smallOrder[0], bytes] {
        #expect(!Ed25519.isValid(signature: bytes, of: bytes, by: key), "SEED=\(seed)")
      }
    }
  }

  @Test func `a payment by a key of small order is clear`() throws {
    let publicKey = try #require(PublicKey(.ed25519, bytes: Self.smallOrder[2]))
    let signed = PrivateKey()
    let reference = ObjectReference(
      id: signed.address, version: 1, digest: Digest(Bytes32(Array(0..<32)) ?? .zero))
    let transaction = Transaction(
      inputs: [], commands: [], sender: publicKey.address,
      gas: .init(payment: [reference], owner: publicKey.address, price: 1, budget: 1))
    let signature = Signature(
      bytes: Self.smallOrder[2] + Array(repeating: 0, count: 32), publicKey: publicKey)
    let payment = SignedTransaction(
      transaction: transaction, signatures: [signature.serialized])
    #expect(payment.verdict == .valid)
  }
}

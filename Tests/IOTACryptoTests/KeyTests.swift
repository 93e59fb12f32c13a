import PaywallCore
import Testing

@testable import IOTACrypto

@Suite struct KeyTests {
  @Test(arguments: try Vectors.rebased().keys)
  func `a mnemonic leads to the key, its export and its address`(vector: Vectors.Key) throws {
    let mnemonic = try Mnemonic(vector.mnemonic)
    #expect(Hex.encode(mnemonic.seed) == vector.bip39SeedHex)
    let last = try #require(vector.path.split(separator: "/").last)
    let index = try #require(UInt32(last.dropLast()))
    let key = PrivateKey(mnemonic, index: index)
    #expect(key.withSeed { Hex.encode($0) } == vector.privateKeyHex)
    #expect(key.exported == vector.privateKeyBech32)
    #expect(Hex.encode(key.publicKey.bytes) == vector.publicKeyHex)
    #expect(Base64.encode([0] + key.publicKey.bytes) == vector.publicKeyFlaggedBase64)
    #expect("\(key.address)" == vector.address)
    #expect("\(key.address)" != vector.wrongSuiStyleAddress)
  }

  @Test(arguments: try Vectors.rebased().keys)
  func `an exported key is read back`(vector: Vectors.Key) throws {
    #expect("\(try PrivateKey(exported: vector.privateKeyBech32).address)" == vector.address)
    let upper = vector.privateKeyBech32.uppercased()
    #expect("\(try PrivateKey(exported: upper).address)" == vector.address)
  }

  @Test func `one wrong character in an exported key is noticed`() throws {
    let text = Array(try #require(try Vectors.rebased().keys.first).privateKeyBech32)
    for index in text.indices {
      for replacement in "qpzry9x8gf2tvdw0s3jn54khce6mua7l" where replacement != text[index] {
        var wrong = text
        wrong[index] = replacement
        #expect(throws: PrivateKey.ImportError.self) {
          try PrivateKey(exported: String(wrong))
        }
      }
    }
  }

  @Test func `a key of another scheme is named, not misread`() throws {
    let secp256k1 = Bech32.encode(
      prefix: "iotaprivkey", [1] + [UInt8](repeating: 7, count: 32))
    #expect(throws: PrivateKey.ImportError.unsupported(SignatureScheme(flag: 1))) {
      try PrivateKey(exported: secp256k1)
    }
    let sui = Bech32.encode(prefix: "suiprivkey", [0] + [UInt8](repeating: 7, count: 32))
    #expect(throws: PrivateKey.ImportError.notAPrivateKey) { try PrivateKey(exported: sui) }
    let short = Bech32.encode(prefix: "iotaprivkey", [0] + [UInt8](repeating: 7, count: 31))
    #expect(throws: PrivateKey.ImportError.notAPrivateKey) { try PrivateKey(exported: short) }
  }

  @Test func `descriptions hold no secret`() throws {
    let vector = try #require(try Vectors.rebased().keys.first)
    let mnemonic = try Mnemonic(vector.mnemonic)
    let key = PrivateKey(mnemonic)
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", "\(mnemonic)", dumped, String(reflecting: key)] {
      #expect(!text.contains(vector.privateKeyHex) && !text.contains("iotaprivkey"))
      #expect(!text.contains("film"))
    }
    #expect("\(key)" == "the private key of \(vector.address)")
  }

  @Test func `new keys differ`() {
    #expect(PrivateKey().address != PrivateKey().address)
    #expect(PrivateKey(seed: [1, 2, 3]) == nil)
  }

  /// RFC 8032 §7.1, test 2.
  @Test func `Ed25519 signs as RFC 8032 does`() throws {
    let seed = try #require(
      Hex.decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    let key = try #require(PrivateKey(seed: seed))
    let signature = key.signature(of: [0x72])
    #expect(
      Hex.encode(signature)
        == "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    #expect(key.publicKey.isValid(signature: signature, of: [0x72]))
    #expect(!key.publicKey.isValid(signature: signature, of: [0x73]))
    #expect(!key.publicKey.isValid(signature: Array(signature.dropLast()), of: [0x72]))
  }

  /// SLIP-0010, test vector 1 for ed25519.
  @Test(
    arguments: [
      ([], "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7"),
      ([0], "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3"),
      (
        [0, 1, 2, 2, 1_000_000_000],
        "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793"
      ),
    ] as [([UInt32], String)])
  func `keys are derived as SLIP-10 does`(path: [UInt32], expected: String) throws {
    let seed = try #require(Hex.decode("000102030405060708090a0b0c0d0e0f"))
    let key = PrivateKey(slip10Seed: seed, path: path)
    #expect(key.withSeed { Hex.encode($0) } == expected)
  }

  /// RFC 7693, appendix A has BLAKE2b-512 only; these come from Python's `hashlib.blake2b`.
  @Test func `BLAKE2b-256 hashes with and without a key`() {
    #expect(
      Hex.encode(Blake2b.hash(Array("abc".utf8)).bytes)
        == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
    #expect(
      Hex.encode(Blake2b.hash(Array("abc".utf8), key: Array("0123456789abcdef".utf8)).bytes)
        == "66b4857d42c644c61fca8c0bcea243e0e75088582c7964bbac6b92c02381d9c7")
    let long = [UInt8](repeating: 1, count: 65)
    #expect(Blake2b.hash([], key: long) == Blake2b.hash([], key: Blake2b.hash(long).bytes))
  }
}

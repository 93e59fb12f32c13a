import Foundation
import Testing

/// The test data in `Tests/Vectors`: made with IOTA's official SDK and derived again independently.
enum Vectors {
  static func rebased() throws -> Rebased {
    try load("rebased_vectors.json")
  }

  static func pages() throws -> Pages {
    try load("rebased_jsonrpc_pages.json")
  }

  static func signatures() throws -> Signatures {
    try load("signature_vectors.json")
  }

  private static func load<Value: Decodable>(_ name: String) throws -> Value {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Vectors/\(name)")
    return try decode(try Data(contentsOf: file))
  }

  static func decode<Value: Decodable>(_ data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Value.self, from: data)
  }

  struct Rebased: Decodable, Sendable {
    var keys: [Key]
    var transactions: [Transaction]
    var personalMessages: [PersonalMessage]
    var multisig2of2: Multisig

    enum CodingKeys: String, CodingKey {
      case keys, transactions, personalMessages
      case multisig2of2 = "multisig2Of2"
    }
  }

  struct Key: Decodable, Sendable {
    var mnemonic: String
    var path: String
    var bip39SeedHex: String
    var privateKeyHex: String
    var privateKeyBech32: String
    var publicKeyHex: String
    var publicKeyFlaggedBase64: String
    var address: String
    var wrongSuiStyleAddress: String
  }

  struct Transaction: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var sender: String
    var recipient: String
    var amountNanos: Number
    var memoUtf8: String
    var gas: Gas
    var txBytesBase64: String
    var txBytesHex: String
    var digestBase58: String
    var signingDigestHex: String
    var signatureBase64: String
    var senderSignedDataBase64: String
    var testDescription: String { name }

    struct Gas: Decodable, Sendable {
      var objectId: String
      var version: Number
      var digest: String
      var price: Number
      var budget: Number
    }
  }

  struct PersonalMessage: Decodable, Sendable {
    var messageBase64: String
    var signingDigestHex: String
    var signatureBase64: String
    var address: String
  }

  struct Multisig: Decodable, Sendable {
    var address: String
    var txBytesBase64: String
    var digest: String
    var signingDigestHex: String
    var memberSignatures: [String]
    var multisigSignatureBase64: String
  }

  /// What `Tests/Judges/sdk_signatures.py` writes.
  struct Signatures: Decodable, Sendable {
    var logins: [Login]
    var transactions: [SignedPayment]
  }

  struct Login: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var realm: String
    var username: String
    var password: String
    var valid: Bool
    var testDescription: String { name }
  }

  struct SignedPayment: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var sender: String
    var signedBase64: String
    var valid: Bool
    var testDescription: String { name }
  }

  struct Pages: Decodable, Sendable {
    var cases: [Case]
    var failedTransaction: Case
    var justExecuted: Case
  }

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    var label: String
    var response: Response
    var testDescription: String { label }
  }

  struct Response: Decodable, Sendable {
    var digest: String
    var rawTransaction: String
    var transaction: Outer

    struct Outer: Decodable, Sendable {
      var data: Inner
      var txSignatures: [String]
    }

    struct Inner: Decodable, Sendable {
      var sender: String
      var gasData: GasData
    }

    struct GasData: Decodable, Sendable {
      var owner: String
      var budget: String
    }
  }

  /// A number that some answers write as a string.
  struct Number: Decodable, Sendable {
    var value: UInt64

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self), let number = UInt64(text) {
        value = number
      } else {
        value = try container.decode(UInt64.self)
      }
    }
  }
}

/// Random numbers that a seed repeats (SplitMix64, https://prng.di.unimi.it/splitmix64.c).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

/// What a node tells about a transaction; only what is needed, and all of it optional.
///
/// Source: iotaledger/iota, crates/iota-json-rpc-types/src/iota_transaction.rs.
struct TransactionBlock: Decodable, Sendable {
  /// Whether the transaction succeeded.
  struct Effects: Decodable, Sendable {
    struct Status: Decodable, Sendable {
      var status: String
      var error: String?
    }

    var status: Status
    var transactionDigest: String?
  }

  /// What an owner gained or lost of a coin.
  struct BalanceChange: Decodable, Sendable {
    var owner: Owner
    var coinType: String
    var amount: String
  }

  /// An owner: an object of one member, or a word; all but addresses are of no interest.
  enum Owner: Decodable, Sendable {
    case address(String)
    case other

    private enum CodingKeys: String, CodingKey {
      case address = "AddressOwner"
    }

    init(from decoder: any Decoder) throws {
      if (try? decoder.singleValueContainer().decode(String.self)) != nil {
        self = .other  // "Immutable"
        return
      }
      let container = try decoder.container(keyedBy: CodingKeys.self)
      let address =
        try container.contains(.address)
        ? container.decode(String.self, forKey: .address) : nil
      self = address.map(Self.address) ?? .other
    }
  }

  var digest: String
  /// Base64 of the BCS bytes of `SenderSignedData`.
  var rawTransaction: String?
  var effects: Effects?
  var balanceChanges: [BalanceChange]?
  var timestampMs: Number?
  var checkpoint: Number?
  /// What the node could not find out.
  var errors: [String]?
}

/// A number of 63 bits, which nodes write as a string, or sometimes as a number.
struct Number: Decodable, Sendable {
  let value: Int64

  init?(_ value: Int64) {
    guard value >= 0 else { return nil }
    self.value = value
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let number: Int64?
    if let text = try? container.decode(String.self) {
      number =
        text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
        ? Int64(text) : nil
    } else {
      number = try container.decode(Int64.self)
    }
    guard let number, number >= 0 else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not a number from 0 to 2^63 - 1")
    }
    value = number
  }
}

/// A value, or nil where an element of a list is not of its shape: one bad element must not spoil
/// the others.
struct Lenient<Value: Decodable & Sendable>: Decodable, Sendable {
  let value: Value?

  init(from decoder: any Decoder) throws {
    value = try? Value(from: decoder)
  }
}

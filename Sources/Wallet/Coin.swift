public import IOTACrypto
public import PaywallCore

/// A coin object of an address, in `0x2::iota::IOTA`.
public struct Coin: Hashable, Sendable {
  /// The object.
  public var reference: ObjectReference
  /// What it holds, in NANOS.
  public var balanceNanos: Nanos

  /// A coin of the given parts.
  public init(reference: ObjectReference, balanceNanos: Nanos) {
    self.reference = reference
    self.balanceNanos = balanceNanos
  }
}

extension Coin: Decodable {
  private enum CodingKeys: CodingKey { case coinObjectId, version, digest, balance }

  /// Reads a coin as `iotax_getCoins` writes it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func value<Value>(_ key: CodingKeys, _ read: (String) -> Value?) throws -> Value {
      guard let value = read(try container.decode(String.self, forKey: key)) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "not of the form that IOTA's nodes write")
      }
      return value
    }
    reference = ObjectReference(
      id: try value(.coinObjectId) { Address(abbreviated: $0) },
      version: try container.decode(NumberText.self, forKey: .version).value,
      digest: try value(.digest) { Digest($0) })
    let balance = try container.decode(NumberText.self, forKey: .balance).value
    guard let nanos = Nanos(exactly: balance) else {
      throw DecodingError.dataCorruptedError(
        forKey: .balance, in: container, debugDescription: "more than there is")
    }
    balanceNanos = nanos
  }
}

/// An unsigned number, which nodes write as a string in most places and as a number in others.
struct NumberText: Decodable {
  let value: UInt64

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let text = try? container.decode(String.self) else {
      value = try container.decode(UInt64.self)
      return
    }
    guard let number = UInt64(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "no unsigned number of 64 bits")
    }
    value = number
  }
}

public import PaywallCore

/// A payment that a Stardust tangle for development is told to make.
///
/// As JSON, the fields have the names of the properties; all but `to` and `amount` may be missing.
public struct StardustOrder: Sendable {
  /// Who gets it.
  public var to: Address
  /// Base units.
  public var amount: UInt64
  /// Who signs for it, and is named in a sender feature; nil: a faucet does, and nobody is named.
  public var sender: Address?
  /// The bytes of a metadata feature; nil: there is none.
  public var metadata: [UInt8]?
  /// The bytes of a tag feature, at most 64; nil: there is none.
  public var tag: [UInt8]?
  /// So many outputs of the amount each.
  public var outputs = 1
  /// When it goes back to the sender, in Unix seconds; nil: never.
  public var expiration: UInt32?
  /// Until when it is locked, in Unix seconds; nil: it is not.
  public var timelock: UInt32?
  /// Base units that have to be returned to the sender; nil: none.
  public var storageReturn: UInt64?
  /// Whether the output is an NFT.
  public var isNFT = false

  /// A payment of so many base units.
  public init(to: Address, amount: UInt64, sender: Address? = nil) {
    self.to = to
    self.amount = amount
    self.sender = sender
  }
}

extension StardustOrder {
  /// Reads an order.
  ///
  /// - Throws: ``Refusal`` that says which field is wrong.
  init(_ json: JSON, prefix: String) throws(Refusal) {
    self.init(
      to: try Self.address(json, "to", prefix), amount: try Self.number(json, "amount") ?? 0)
    if json["sender"] != nil { sender = try Self.address(json, "sender", prefix) }
    metadata = json["metadata"]?.string.map { Array($0.utf8) }
    tag = json["tag"]?.string.map { Array($0.utf8) }
    outputs = Int(clamping: try Self.number(json, "outputs") ?? 1)
    expiration = try Self.number(json, "expiration").map { UInt32(clamping: $0) }
    timelock = try Self.number(json, "timelock").map { UInt32(clamping: $0) }
    storageReturn = try Self.number(json, "storageReturn")
    isNFT = json["nft"]?.bool ?? false
  }

  /// An address in either form.
  static func address(_ json: JSON, _ key: String, _ prefix: String) throws(Refusal) -> Address {
    guard let text = json[key]?.string, let address = StardustAddress.parse(text, prefix: prefix)
    else {
      throw .input("'\(key)' must be an address: 0x and 64 hexadecimal digits, or \(prefix)1q….")
    }
    return address
  }

  private static func number(_ json: JSON, _ key: String) throws(Refusal) -> UInt64? {
    guard let value = json[key] else { return nil }
    let number = value.int.flatMap { UInt64(exactly: $0) } ?? value.string.flatMap { UInt64($0) }
    guard let number else { throw .input("'\(key)' must be a whole number.") }
    return number
  }
}

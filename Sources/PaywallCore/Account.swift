/// A client's name inside the broker, in bytes.
///
/// Never a `String` where names are compared: Swift holds canonically equivalent texts to be equal,
/// MQTT does not, and then one account could read what another has paid for.
public typealias Username = [UInt8]

/// Whom bought time belongs to: one of three kinds whose names cannot meet.
public enum Account: Hashable, Sendable, CustomStringConvertible {
  /// An account whose name Mosquitto's own means authenticate (`password_file`, TLS).
  case broker(Name)
  /// An account that a payment created, authenticated by us; `buyer:NAME` inside the broker.
  case buyer(Name)
  /// A wallet, by its address; `0x…` inside the broker, authenticated by its signature.
  case wallet(Address)

  /// The account that a client with this name inside the broker acts for.
  ///
  /// Nil for a name that no account can have.
  public init?(username: some Collection<UInt8>) {
    if username.starts(with: Account.buyerPrefix) {
      guard let name = Name(username.dropFirst(Account.buyerPrefix.count)) else { return nil }
      self = .buyer(name)
    } else if Account.looksLikeWallet(username) {
      guard let address = Address(String(decoding: username, as: UTF8.self)) else { return nil }
      self = .wallet(address)
    } else {
      guard let name = Name(username) else { return nil }
      self = .broker(name)
    }
  }

  /// The same for text.
  public init?(username: String) {
    self.init(username: Array(username.utf8))
  }

  /// The name inside the broker, in bytes.
  public var username: Username {
    switch self {
    case .broker(let name): name.bytes
    case .buyer(let name): Account.buyerPrefix + name.bytes
    case .wallet(let address): Array(address.description.utf8)
    }
  }

  /// The name inside the broker: `NAME`, `buyer:NAME` or `0x…`.
  public var description: String {
    switch self {
    case .broker(let name): name.description
    case .buyer(let name): "buyer:\(name)"
    case .wallet(let address): address.description
    }
  }

  /// The kind in one word, as the ledger keeps it.
  public var kind: String {
    switch self {
    case .broker: "broker"
    case .buyer: "buyer"
    case .wallet: "wallet"
    }
  }

  /// Whether only we may say who has this name: it begins with `buyer:`, or is `0x` and 64
  /// hexadecimal digits.
  ///
  /// Mosquitto's own means must never authenticate such a client.
  public static func isReserved(username: some Collection<UInt8>) -> Bool {
    username.starts(with: buyerPrefix) || looksLikeWallet(username)
  }

  private static let buyerPrefix = Array("buyer:".utf8)

  private static func looksLikeWallet(_ username: some Collection<UInt8>) -> Bool {
    username.count == 66 && username.starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")])
      && username.dropFirst(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
  }
}

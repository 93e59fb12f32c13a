/// What the box of a sealed memo holds: the name and password that a buyer chose, and for which offer
/// the payment is.
///
/// A JSON object `{"username":…,"password":…}`, with `"offer"` where it is not the seller's first.
public struct BuyerLogin: Hashable, Sendable {
  /// The name; inside the broker, it is `buyer:NAME`.
  public var name: Name
  /// The password: at least one byte, and no NUL, which would end it on its way through the broker.
  public var password: [UInt8]
  /// The offer's name as it was written; nil: the seller's first.
  public var offer: [UInt8]?

  /// A login of the given parts; nil for a password that no client could send.
  public init?(name: Name, password: [UInt8], offer: [UInt8]? = nil) {
    guard (1...Self.longestPassword).contains(password.count), !password.contains(0) else {
      return nil
    }
    self.name = name
    self.password = password
    self.offer = offer
  }

  /// Reads what a box holds.
  ///
  /// Nil where it is no such object: a key of ours is missing, repeated or no string, the name is
  /// impossible, or no client could send the password. Other keys mean nothing. The name may be
  /// written as `buyer:NAME` too.
  public init?(json: [UInt8]) {
    guard let members = JSONObject.members(of: json[...]) else { return nil }
    var values: [[UInt8]: [UInt8]] = [:]
    for member in members where Self.keys.contains(member.name) {
      guard case .string(let value) = member.value, values[member.name] == nil else { return nil }
      values[member.name] = value
    }
    guard let username = values[Self.keys[0]], let name = Self.name(username),
      let password = values[Self.keys[1]]
    else { return nil }
    self.init(name: name, password: password, offer: values[Self.keys[2]])
  }

  /// The name of the buyer's account that a client means by a username: `NAME` or `buyer:NAME`.
  public static func name(_ username: some Collection<UInt8>) -> Name? {
    switch Account(username: username) {
    case .broker(let name), .buyer(let name): name
    case .wallet, nil: nil
    }
  }

  private static let keys = ["username", "password", "offer"].map { Array($0.utf8) }
  /// What MQTT can carry is 65,535 bytes, and a memo less; nobody types as many.
  private static let longestPassword = 1024
}

/// A payment's claim to a buyer's account: its name, and the hash of its password.
///
/// The first claim, in the order of payments, makes the account; later ones with the same password
/// add time to it.
public struct BuyerClaim: Hashable, Sendable {
  /// The account's name, without `buyer:`.
  public var name: Name
  /// The keyed hash of name and password.
  public var passwordHash: Bytes32
  /// The offer's name as it was written; nil: the seller's first.
  public var offer: [UInt8]?

  /// A claim of the given parts.
  public init(name: Name, passwordHash: Bytes32, offer: [UInt8]? = nil) {
    self.name = name
    self.passwordHash = passwordHash
    self.offer = offer
  }

  /// The account that is claimed.
  public var account: Account { .buyer(name) }
}

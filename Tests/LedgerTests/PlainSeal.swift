import PaywallCore

/// Sealed memos without cryptography: name, password and offer, separated by tabs.
enum PlainSeal {
  static func seal(_ name: String, _ password: String, offer: String? = nil) -> [UInt8] {
    Array(([name, password] + (offer.map { [$0] } ?? [])).joined(separator: "\t").utf8)
  }

  static func open(_ memo: [UInt8]) -> BuyerClaim? {
    let parts = memo.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let name = Name(Array(parts[0])) else { return nil }
    return BuyerClaim(
      name: name, passwordHash: hash(name, Array(parts[1])),
      offer: parts.count > 2 ? Array(parts[2]) : nil)
  }

  static func hash(_ name: Name, _ password: [UInt8]) -> Bytes32 {
    let bytes = name.bytes + [0] + password
    return Bytes32((bytes + Array(repeating: 0, count: 32)).prefix(32)) ?? .zero
  }

  static func hash(_ name: String, _ password: String) -> Bytes32 {
    Name(name).map { hash($0, Array(password.utf8)) } ?? .zero
  }
}

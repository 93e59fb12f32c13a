import IOTACrypto
import PaywallCore

/// Addresses as Stardust writes them: a kind, 0 for the hash of an Ed25519 key, and the hash.
enum StardustAddress {
  static func bech32(_ address: Address, prefix: String) -> String {
    Bech32.encode(prefix: prefix, [0] + address.bytes)
  }

  /// Reads either form.
  static func parse(_ text: String, prefix: String) -> Address? {
    if let address = Address(text) { return address }
    guard let decoded = try? Bech32.decode(text), decoded.prefix == prefix,
      decoded.bytes.first == 0
    else { return nil }
    return Address(bytes: decoded.bytes.dropFirst())
  }

  static func json(_ address: Address) -> JSON {
    ["type": 0, "pubKeyHash": .text(address)]
  }
}

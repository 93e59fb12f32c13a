/// A name of an account or an offer: 1 to 64 bytes of UTF-8 that mean nothing else to MQTT.
///
/// Compared as bytes, as MQTT does; Swift's strings would hold canonically equivalent names to be
/// equal.
public struct Name: Hashable, Sendable, CustomStringConvertible {
  /// The bytes, valid UTF-8.
  public let bytes: [UInt8]

  /// The name of the given bytes.
  ///
  /// Nil where they are not 1 to 64 bytes of valid UTF-8, or hold one of `/ + # $ % :` (topic
  /// separators, wildcards, substitutions and our own prefixes), a control character, or one that
  /// Unicode holds to be none: with the last two, Mosquitto lets nobody connect.
  public init?(_ bytes: some Collection<UInt8>) {
    guard (1...64).contains(bytes.count) else { return nil }
    // So are most names, and these need no look at what Unicode says of them.
    if !bytes.allSatisfy(\.isPlain) {
      guard let text = String(validating: bytes, as: UTF8.self),
        !text.unicodeScalars.contains(where: Name.isForbidden)
      else { return nil }
    }
    self.bytes = Array(bytes)
  }

  /// The name that a text holds, under the same rules.
  public init?(_ text: String) {
    self.init(Array(text.utf8))
  }

  /// The name as text, byte for byte.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "/", "+", "#", "$", "%", ":": true
    default: scalar.isRefusedByMosquitto
    }
  }
}

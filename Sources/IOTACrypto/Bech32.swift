/// Bech32 text: a readable prefix, data, and a checksum that finds typing errors.
///
/// Source: BIP-173, https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki
public enum Bech32 {
  private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
  private static let maximumLength = 90

  /// Why text is no Bech32.
  public enum ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A length, character or mix of upper and lower case that Bech32 forbids.
    case malformed
    /// The checksum does not match: something was mistyped or cut off.
    case checksum

    /// What is wrong.
    public var description: String {
      switch self {
      case .malformed: "The text is no Bech32: it has a length or a character that cannot occur."
      case .checksum: "The text's checksum does not match: something was mistyped or left out."
      }
    }
  }

  /// The text for the bytes, in lower case.
  ///
  /// The prefix must be lower-case ASCII.
  public static func encode(prefix: String, _ bytes: [UInt8]) -> String {
    encodeValues(prefix: prefix, regroup(bytes, from: 8, to: 5, pads: true) ?? [])
  }

  /// The text for groups of five bits.
  static func encodeValues(prefix: String, _ data: [UInt8]) -> String {
    let values = expand(Array(prefix.utf8)) + data
    let remainder = polymod(values + [0, 0, 0, 0, 0, 0]) ^ 1
    let checksum = (0..<6).map { UInt8(remainder >> (5 * (5 - UInt32($0))) & 31) }
    let text = (data + checksum).map { alphabet[Int($0)] }
    return prefix + "1" + String(decoding: text, as: UTF8.self)
  }

  /// The prefix, in lower case, and the bytes of the text.
  public static func decode(
    _ text: some StringProtocol
  ) throws(ParseError) -> (prefix: String, bytes: [UInt8]) {
    let (prefix, values) = try decodeValues(text)
    guard let bytes = regroup(values, from: 5, to: 8, pads: false) else { throw .malformed }
    return (prefix, bytes)
  }

  /// The prefix and the groups of five bits, without the checksum.
  static func decodeValues(
    _ text: some StringProtocol
  ) throws(ParseError) -> (prefix: String, values: [UInt8]) {
    let original = Array(text.utf8)
    guard original.count <= maximumLength, original.allSatisfy({ (33...126).contains($0) }) else {
      throw .malformed
    }
    let lower = original.map { (65...90).contains($0) ? $0 + 32 : $0 }
    let upper = original.map { (97...122).contains($0) ? $0 - 32 : $0 }
    guard original == lower || original == upper,
      let separator = lower.lastIndex(of: UInt8(ascii: "1")),
      separator > 0, lower.count - separator > 6
    else { throw .malformed }
    var values: [UInt8] = []
    for character in lower[(separator + 1)...] {
      guard let value = alphabet.firstIndex(of: character) else { throw .malformed }
      values.append(UInt8(value))
    }
    let prefix = Array(lower[..<separator])
    guard polymod(expand(prefix) + values) == 1 else { throw .checksum }
    return (String(decoding: prefix, as: UTF8.self), values.dropLast(6))
  }

  private static func expand(_ prefix: [UInt8]) -> [UInt8] {
    prefix.map { $0 >> 5 } + [0] + prefix.map { $0 & 31 }
  }

  /// The remainder of the values by the checksum's generator polynomial.
  private static func polymod(_ values: [UInt8]) -> UInt32 {
    let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
    return values.reduce(1) { remainder, value in
      let top = remainder >> 25
      let shifted = (remainder & 0x1ff_ffff) << 5 ^ UInt32(value)
      return generator.indices.reduce(shifted) { $0 ^ (top >> UInt32($1) & 1) * generator[$1] }
    }
  }

  /// The same bits in groups of another size; nil where left-over bits are not what they must be.
  private static func regroup(
    _ groups: [UInt8], from: Int, to: Int, pads: Bool
  ) -> [UInt8]? {
    var result: [UInt8] = []
    var bits = 0
    var pending = 0
    for group in groups {
      pending = (pending << from | Int(group)) & 0xfff
      bits += from
      while bits >= to {
        bits -= to
        result.append(UInt8(pending >> bits & (1 << to - 1)))
      }
    }
    let rest = pending << (to - bits) & (1 << to - 1)
    if pads {
      return bits > 0 ? result + [UInt8(rest)] : result
    }
    return bits < from && rest == 0 ? result : nil
  }
}

/// An IOTA address (or object id): 32 bytes, written as `0x` and 64 hexadecimal digits.
public struct Address: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes32: Bytes32

  /// An address of the given bytes.
  public init(_ bytes32: Bytes32) {
    self.bytes32 = bytes32
  }

  /// An address of the given bytes, or nil unless there are exactly 32.
  public init?(bytes: some Collection<UInt8>) {
    guard let bytes32 = Bytes32(bytes) else { return nil }
    self.bytes32 = bytes32
  }

  /// Reads `0x` and 64 hexadecimal digits, of either case; nil for anything else.
  public init?(_ text: some StringProtocol) {
    guard text.hasPrefix("0x"), let bytes = Hex.decode(text.dropFirst(2)) else { return nil }
    self.init(bytes: bytes)
  }

  /// Reads an address as nodes abbreviate it: leading zeros may be missing, as in `0x2`.
  public init?(abbreviated text: some StringProtocol) {
    guard text.hasPrefix("0x") else { return nil }
    let digits = text.dropFirst(2)
    guard (1...64).contains(digits.utf8.count) else { return nil }
    self.init("0x" + String(repeating: "0", count: 64 - digits.utf8.count) + digits)
  }

  /// The 32 bytes.
  public var bytes: [UInt8] { bytes32.bytes }

  /// `0x` and 64 lower-case hexadecimal digits.
  public var description: String { "0x" + Hex.encode(bytes) }

  /// The order of the bytes.
  public static func < (lhs: Address, rhs: Address) -> Bool {
    lhs.bytes32 < rhs.bytes32
  }
}

/// Thirty-two bytes, ordered and compared as bytes.
///
/// Addresses and digests are both of this shape; four big-endian words keep them free of the heap
/// and make their order that of the bytes.
public struct Bytes32: Hashable, Comparable, Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  /// All zeros.
  public static let zero = Bytes32(words: (0, 0, 0, 0))

  private init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// The given bytes, or nil unless there are exactly 32.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    self.words = Self.bigEndian(words)
  }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    withUnsafeBytes(of: Self.bigEndian(words)) { Array($0) }
  }

  private static func bigEndian(
    _ words: (UInt64, UInt64, UInt64, UInt64)
  ) -> (UInt64, UInt64, UInt64, UInt64) {
    (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
  }

  /// Equality of all bytes.
  public static func == (lhs: Bytes32, rhs: Bytes32) -> Bool {
    lhs.words == rhs.words
  }

  /// Lexicographic order of the bytes.
  public static func < (lhs: Bytes32, rhs: Bytes32) -> Bool {
    lhs.words < rhs.words
  }

  /// Feeds the bytes to a hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

/// A BLAKE2b-256 digest, which names a transaction, an object's contents or a checkpoint.
///
/// Written in base58, as IOTA's nodes and explorers do.
public struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes32: Bytes32

  /// A digest of the given bytes.
  public init(_ bytes32: Bytes32) {
    self.bytes32 = bytes32
  }

  /// A digest of the given bytes, or nil unless there are exactly 32.
  public init?(bytes: some Collection<UInt8>) {
    guard let bytes32 = Bytes32(bytes) else { return nil }
    self.bytes32 = bytes32
  }

  /// Reads base58 text; nil unless it stands for exactly 32 bytes.
  public init?(_ text: some StringProtocol) {
    // 32 bytes never need more than 44 digits; a longer text is not worth decoding.
    guard text.utf8.count <= 44, let bytes = Base58.decode(text) else { return nil }
    self.init(bytes: bytes)
  }

  /// The 32 bytes.
  public var bytes: [UInt8] { bytes32.bytes }

  /// Base58 text.
  public var description: String { Base58.encode(bytes) }

  /// The order of the bytes, which differs from the order of the base58 texts.
  public static func < (lhs: Digest, rhs: Digest) -> Bool {
    lhs.bytes32 < rhs.bytes32
  }
}

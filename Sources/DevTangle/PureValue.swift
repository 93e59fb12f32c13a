import IOTACrypto

/// What the bytes of a pure input mean to the commands that use it.
enum PureValue {
  /// A number, or nil unless there are exactly eight bytes.
  static func u64(_ bytes: [UInt8]) -> UInt64? {
    guard bytes.count == 8 else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The elements of a `vector<u8>`, or nil unless the bytes are one and no more.
  static func byteVector(_ bytes: [UInt8]) -> [UInt8]? {
    var reader = BCSReader(bytes)
    guard let elements = try? reader.byteVector("bytes"), reader.remaining == 0 else { return nil }
    return elements
  }
}

public import PaywallCore

/// Reads values from BCS bytes that nobody vouches for: every length is checked, and only the
/// canonical form is accepted, so what was read writes back to the same bytes.
///
/// Source: https://github.com/diem/bcs (Binary Canonical Serialization).
public struct BCSReader {
  private let bytes: [UInt8]
  /// How many bytes have been read.
  public private(set) var offset = 0

  /// A reader of the bytes, from their start.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// How many bytes are left.
  public var remaining: Int { bytes.count - offset }

  /// Throws unless everything has been read.
  public func finish(_ what: String) throws(BCSError) {
    guard remaining == 0 else {
      throw BCSError(code: .trailingBytes, offset: offset, what: what)
    }
  }

  /// The next bytes, exactly so many.
  public mutating func fixed(_ count: Int, _ what: String) throws(BCSError) -> [UInt8] {
    guard count >= 0, count <= remaining else {
      throw BCSError(code: .truncated, offset: bytes.count, what: what)
    }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  /// One byte.
  public mutating func u8(_ what: String) throws(BCSError) -> UInt8 {
    try littleEndian(what)
  }

  /// Two bytes, little endian.
  public mutating func u16(_ what: String) throws(BCSError) -> UInt16 {
    try littleEndian(what)
  }

  /// Four bytes, little endian.
  public mutating func u32(_ what: String) throws(BCSError) -> UInt32 {
    try littleEndian(what)
  }

  /// Eight bytes, little endian.
  public mutating func u64(_ what: String) throws(BCSError) -> UInt64 {
    try littleEndian(what)
  }

  private mutating func littleEndian<Number: FixedWidthInteger>(
    _ what: String
  ) throws(BCSError) -> Number {
    let bytes = try fixed(Number.bitWidth / 8, what)
    return bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// One byte, 0 or 1.
  public mutating func bool(_ what: String) throws(BCSError) -> Bool {
    switch try u8(what) {
    case 0: return false
    case 1: return true
    default: throw malformed(what, back: 1)
    }
  }

  /// A ULEB128 number of at most 32 bits in its shortest form: a length, or an enum's variant.
  public mutating func uleb128(_ what: String) throws(BCSError) -> UInt32 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 28, by: 7) {
      let byte = try u8(what)
      value |= UInt64(byte & 0x7f) << shift
      guard byte & 0x80 == 0 else { continue }
      // A last byte of zero after others is a longer form of the same number.
      guard let number = UInt32(exactly: value), byte != 0 || shift == 0 else { break }
      return number
    }
    throw BCSError(code: .malformed, offset: start, what: what)
  }

  /// A length: BCS allows at most 2³¹ − 1, and there cannot be more elements than bytes left.
  public mutating func length(_ what: String) throws(BCSError) -> Int {
    let start = offset
    let count = Int(try uleb128(what))
    guard count <= 0x7fff_ffff else {
      throw BCSError(code: .malformed, offset: start, what: what)
    }
    guard count <= remaining else {
      throw BCSError(code: .truncated, offset: bytes.count, what: what)
    }
    return count
  }

  /// Bytes with their length in front.
  public mutating func byteVector(_ what: String) throws(BCSError) -> [UInt8] {
    try fixed(try length(what), what)
  }

  /// Elements with their number in front.
  ///
  /// Each takes one byte or more.
  public mutating func vector<Element>(
    _ what: String, _ element: (inout BCSReader) throws(BCSError) -> Element
  ) throws(BCSError) -> [Element] {
    let count = try length(what)
    var elements: [Element] = []
    for _ in 0..<count {
      elements.append(try element(&self))
    }
    return elements
  }

  /// A value that may be missing.
  public mutating func option<Value>(
    _ what: String, _ value: (inout BCSReader) throws(BCSError) -> Value
  ) throws(BCSError) -> Value? {
    try bool(what) ? try value(&self) : nil
  }

  /// A Move identifier: ASCII text with its length in front, so that equal texts are equal bytes.
  public mutating func identifier(_ what: String) throws(BCSError) -> String {
    let bytes = try byteVector(what)
    guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw malformed(what, back: bytes.count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Thirty-two bytes without a length.
  public mutating func address(_ what: String) throws(BCSError) -> Address {
    guard let address = Address(bytes: try fixed(32, what)) else {
      throw malformed(what, back: 32)
    }
    return address
  }

  /// Thirty-two bytes with their length in front.
  public mutating func digest(_ what: String) throws(BCSError) -> Digest {
    let bytes = try byteVector(what)
    guard let digest = Digest(bytes: bytes) else { throw malformed(what, back: bytes.count) }
    return digest
  }

  private func malformed(_ what: String, back count: Int) -> BCSError {
    BCSError(code: .malformed, offset: offset - count, what: what)
  }
}

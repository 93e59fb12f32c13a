public import PaywallCore

/// Writes values as BCS bytes.
///
/// Source: https://github.com/diem/bcs (Binary Canonical Serialization).
public struct BCSWriter {
  /// What has been written.
  public private(set) var bytes: [UInt8] = []

  /// A writer of nothing yet.
  public init() {}

  /// Bytes as they are.
  public mutating func fixed(_ bytes: [UInt8]) {
    self.bytes += bytes
  }

  /// A number, little endian.
  public mutating func number(_ number: some FixedWidthInteger & UnsignedInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }

  /// One byte, 0 or 1.
  public mutating func bool(_ value: Bool) {
    bytes.append(value ? 1 : 0)
  }

  /// A length, or an enum's variant, as ULEB128.
  public mutating func uleb128(_ number: Int) {
    var rest = UInt(max(number, 0))
    while rest > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Bytes with their length in front.
  public mutating func byteVector(_ bytes: [UInt8]) {
    uleb128(bytes.count)
    fixed(bytes)
  }

  /// Elements with their number in front.
  public mutating func vector<Element>(
    _ elements: [Element], _ write: (inout BCSWriter, Element) -> Void
  ) {
    uleb128(elements.count)
    for element in elements {
      write(&self, element)
    }
  }

  /// A value that may be missing.
  public mutating func option<Value>(_ value: Value?, _ write: (inout BCSWriter, Value) -> Void) {
    bool(value != nil)
    if let value {
      write(&self, value)
    }
  }

  /// UTF-8 text with its length in front.
  public mutating func string(_ text: String) {
    byteVector(Array(text.utf8))
  }

  /// Thirty-two bytes without a length.
  public mutating func address(_ address: Address) {
    fixed(address.bytes)
  }

  /// Thirty-two bytes with their length in front.
  public mutating func digest(_ digest: Digest) {
    byteVector(digest.bytes)
  }
}

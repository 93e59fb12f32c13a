/// A strict reader of one JSON object (RFC 8259), for memos.
///
/// Memos decide to whom money goes, and every broker must read them alike for years: so this one is
/// ours, complete, and depends on nothing that could change. Repeated keys are reported, not merged.
enum JSONObject {
  struct Member: Hashable {
    var name: [UInt8]
    var value: Value
  }

  enum Value: Hashable {
    /// The text that the string stands for, in UTF-8.
    case string([UInt8])
    case other
  }

  /// The members in the order they are written, or nil where the bytes are no JSON object.
  static func members(of bytes: ArraySlice<UInt8>) -> [Member]? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var reader = JSONReader(rest: bytes)
    reader.skipSpace()
    guard let members = reader.object(depth: 0) else { return nil }
    reader.skipSpace()
    return reader.rest.isEmpty ? members : nil
  }
}

/// Reads JSON values from the front of some UTF-8.
///
/// Methods return nil or false where the text is not JSON.
private struct JSONReader {
  static let depthLimit = 32

  var rest: ArraySlice<UInt8>

  mutating func skipSpace() {
    rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
  }

  mutating func object(depth: Int) -> [JSONObject.Member]? {
    var members: [JSONObject.Member] = []
    let isRead = list(from: "{", to: "}", depth: depth) { reader in
      guard let name = reader.string() else { return false }
      reader.skipSpace()
      guard reader.take(":") else { return false }
      reader.skipSpace()
      guard let value = reader.value(depth: depth + 1) else { return false }
      members.append(JSONObject.Member(name: name, value: value))
      return true
    }
    return isRead ? members : nil
  }

  private mutating func value(depth: Int) -> JSONObject.Value? {
    switch rest.first {
    case UInt8(ascii: "\""): string().map { .string($0) }
    case UInt8(ascii: "{"): object(depth: depth) == nil ? nil : .other
    case UInt8(ascii: "["): array(depth: depth) ? .other : nil
    case UInt8(ascii: "t"): take("true") ? .other : nil
    case UInt8(ascii: "f"): take("false") ? .other : nil
    case UInt8(ascii: "n"): take("null") ? .other : nil
    default: number() ? .other : nil
    }
  }

  private mutating func array(depth: Int) -> Bool {
    list(from: "[", to: "]", depth: depth) { $0.value(depth: depth + 1) != nil }
  }

  /// Items between two brackets, separated by commas.
  private mutating func list(
    from open: StaticString, to close: StaticString, depth: Int,
    item: (inout JSONReader) -> Bool
  ) -> Bool {
    guard depth < Self.depthLimit, take(open) else { return false }
    skipSpace()
    if take(close) { return true }
    while true {
      skipSpace()
      guard item(&self) else { return false }
      skipSpace()
      if take(close) { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func number() -> Bool {
    _ = take("-")
    if !take("0") {
      guard digits() else { return false }
    }
    if take(".") {
      guard digits() else { return false }
    }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      guard digits() else { return false }
    }
    return true
  }

  private mutating func digits() -> Bool {
    let after = rest.drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    defer { rest = after }
    return after.count < rest.count
  }

  private mutating func string() -> [UInt8]? {
    guard take("\"") else { return nil }
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return text
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        text += Array(String(Character(scalar)).utf8)
      case 0..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    switch rest.popFirst() {
    case UInt8(ascii: "\""): "\""
    case UInt8(ascii: "\\"): "\\"
    case UInt8(ascii: "/"): "/"
    case UInt8(ascii: "b"): "\u{8}"
    case UInt8(ascii: "f"): "\u{C}"
    case UInt8(ascii: "n"): "\n"
    case UInt8(ascii: "r"): "\r"
    case UInt8(ascii: "t"): "\t"
    case UInt8(ascii: "u"): unicodeEscape()
    default: nil
    }
  }

  /// One UTF-16 unit, or a pair of surrogates.
  ///
  /// A lone surrogate stands for no text.
  private mutating func unicodeEscape() -> Unicode.Scalar? {
    guard let unit = hexUnit() else { return nil }
    guard (0xD800..<0xDC00).contains(unit) else { return Unicode.Scalar(unit) }
    guard take("\\u"), let low = hexUnit(), (0xDC00..<0xE000).contains(low) else { return nil }
    return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
  }

  private mutating func hexUnit() -> UInt32? {
    guard rest.count >= 4,
      let bytes = Hex.decode(String(decoding: rest.prefix(4), as: UTF8.self)), bytes.count == 2
    else { return nil }
    rest = rest.dropFirst(4)
    return UInt32(bytes[0]) << 8 | UInt32(bytes[1])
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let isThere = text.withUTF8Buffer { rest.starts(with: $0) }
    if isThere { rest = rest.dropFirst(text.utf8CodeUnitCount) }
    return isThere
  }
}

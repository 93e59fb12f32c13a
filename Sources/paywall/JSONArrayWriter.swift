/// One JSON array, an object in a line: https://www.rfc-editor.org/rfc/rfc8259.
struct JSONArrayWriter: ExportWriter {
  private var isFirst = true

  func begin() -> String { "[" }

  mutating func row(_ values: [ExportedPayment.Value]) -> String {
    let members = zip(ExportedPayment.names, values).map { name, value in
      "\"\(name)\":\(Self.json(value))"
    }
    defer { isFirst = false }
    return (isFirst ? "\n{" : ",\n{") + members.joined(separator: ",") + "}"
  }

  func end() -> String { "\n]\n" }

  private static func json(_ value: ExportedPayment.Value) -> String {
    switch value {
    case .none: "null"
    case .integer(let integer): "\(integer)"
    case .boolean(let boolean): "\(boolean)"
    case .plain(let text), .text(let text): string(text)
    }
  }

  private static func string(_ text: String) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20, 0x7F:
        bytes += Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return String(decoding: bytes, as: UTF8.self)
  }
}

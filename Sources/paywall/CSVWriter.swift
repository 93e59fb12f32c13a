/// CSV: https://www.rfc-editor.org/rfc/rfc4180.
struct CSVWriter: ExportWriter {
  func begin() -> String { ExportedPayment.names.joined(separator: ",") + "\r\n" }

  func row(_ values: [ExportedPayment.Value]) -> String {
    values.map(Self.field).joined(separator: ",") + "\r\n"
  }

  func end() -> String { "" }

  private static func field(_ value: ExportedPayment.Value) -> String {
    switch value {
    case .none: ""
    case .integer(let integer): "\(integer)"
    case .boolean(let boolean): "\(boolean)"
    case .plain(let text): text
    case .text(let text): quoted(harmless(text))
    }
  }

  /// What a spreadsheet would take for a formula; https://owasp.org/www-community/attacks/CSV_Injection
  /// names the characters, their full-width forms included.
  private static let dangerous = Set("=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}'".unicodeScalars)

  private static func harmless(_ text: String) -> String {
    text.unicodeScalars.first.map(dangerous.contains) == true ? "'" + text : text
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n"): false
      default: true
      }
    }
    return isPlain ? text : "\"" + ShellWord.replacing("\"", in: text, with: "\"\"") + "\""
  }
}

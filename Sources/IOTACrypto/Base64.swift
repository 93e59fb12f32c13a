import FoundationEssentials

/// Base64 with padding, as IOTA's nodes write transactions and signatures.
///
/// Source: RFC 4648 §4.
public enum Base64 {
  /// The text that stands for the bytes.
  public static func encode(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString()
  }

  /// The bytes that the text stands for, or nil for anything but their one canonical form: no
  /// white space, the right padding, unused bits zero.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let text = String(text)
    guard let data = Data(base64Encoded: text) else { return nil }
    let bytes = Array(data)
    return encode(bytes).utf8.elementsEqual(text.utf8) ? bytes : nil
  }
}

import CSodium

/// Base64 in the alphabet for URLs, without padding, as memos and their keys are written.
///
/// Source: RFC 4648 §5.
public enum Base64URL {
  /// The text that stands for the bytes.
  public static func encode(_ bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: sodium_base64_encoded_len(bytes.count, variant))
    _ = sodium_bin2base64(&text, text.count, bytes, bytes.count, variant)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The bytes that a text stands for, or nil for anything but their one canonical form.
  public static func decode(_ text: [UInt8]) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: text.count)
    var count = 0
    let status = text.withUnsafeBytes { text in
      sodium_base642bin(
        &bytes, bytes.count, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, nil,
        &count, nil, variant)
    }
    return status == 0 ? Array(bytes.prefix(count)) : nil
  }

  /// `sodium_base64_VARIANT_URLSAFE_NO_PADDING`.
  private static let variant: CInt = 7
}

/// The disguise of TP-Link's local protocol on port 9999: each byte is combined by XOR with the byte
/// before it as it was sent, the first one with 171.
///
/// It hides nothing. Source:
/// https://github.com/softScheck/tplink-smartplug/blob/master/tplink-smarthome-commands.txt
enum KasaCipher {
  private static let start: UInt8 = 171

  /// A message as it is sent over TCP: its length in four bytes, the highest first, and the disguised
  /// text.
  static func frame(_ text: String) -> [UInt8] {
    let count = UInt32(truncatingIfNeeded: text.utf8.count)
    return (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + disguised(text)
  }

  /// The disguised text alone, as it is sent over UDP.
  static func disguised(_ text: String) -> [UInt8] {
    var key = start
    return text.utf8.map { byte in
      key ^= byte
      return key
    }
  }

  /// The text behind the length.
  static func revealed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var key = start
    return bytes.map { byte in
      defer { key = byte }
      return byte ^ key
    }
  }
}

import CQRencode

/// A text as a picture that phones read.
enum QRCode {
  /// Lines of half-block characters, black on white whatever the terminal's colours are, with the
  /// quiet zone of four modules.
  ///
  /// - Returns: No lines for a text that is too long.
  static func lines(_ text: String) -> [String] {
    guard let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M) else { return [] }
    defer { QRcode_free(code) }
    let width = Int(code.pointee.width)
    guard let modules = code.pointee.data else { return [] }
    func isDark(_ x: Int, _ y: Int) -> Bool {
      (0..<width).contains(x) && (0..<width).contains(y) && modules[y * width + x] & 1 == 1
    }
    let quiet = 4
    return stride(from: -quiet, to: width + quiet, by: 2).map { y in
      let row = (-quiet..<width + quiet).map { x in
        switch (isDark(x, y), isDark(x, y + 1)) {
        case (true, true): "█"
        case (true, false): "▀"
        case (false, true): "▄"
        case (false, false): " "
        }
      }
      return "\u{1B}[30;107m" + row.joined() + "\u{1B}[0m"
    }
  }
}

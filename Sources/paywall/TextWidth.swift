/// How many columns of a terminal texts take.
enum TextWidth {
  /// What takes two columns, roughly: https://www.unicode.org/reports/tr11/.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
    0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
    0x1F900...0x1F9FF, 0x20000...0x3FFFD,
  ]

  /// The columns that a text takes.
  static func of(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + of($1) }
  }

  /// The text, or where it is wider its beginning and `…`.
  static func shortened(_ text: String, to width: Int) -> String {
    guard of(text) > width else { return text }
    var shortened = String.UnicodeScalarView()
    var used = 1
    for scalar in text.unicodeScalars {
      used += of(scalar)
      guard used <= width else { break }
      shortened.append(scalar)
    }
    return String(shortened) + "…"
  }

  private static func of(_ scalar: Unicode.Scalar) -> Int {
    guard !scalar.isASCII else { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
  }
}

/// Text of strangers, made fit for a log line.
public enum SafeText {
  /// The text in one line: control and other invisible characters become `·`, and what exceeds
  /// the count of Unicode scalars is cut off, marked by `…`.
  public static func line(_ text: String, maximumCount: Int) -> String {
    var line = String.UnicodeScalarView()
    for (index, scalar) in text.unicodeScalars.enumerated() {
      guard index < maximumCount else { return String(line) + "…" }
      line.append(isVisible(scalar) ? scalar : "·")
    }
    return String(line)
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      false
    default: true
    }
  }
}

/// How deeply a JSON text is nested, found without recursion.
enum JSONDepth {
  /// The number of arrays and objects around the innermost value, or nil where they close more
  /// often than they open.
  static func deepest(in text: [UInt8]) -> Int? {
    var depth = 0
    var deepest = 0
    var isInString = false
    var isEscaped = false
    for byte in text {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") {
        depth += 1
        deepest = max(deepest, depth)
      } else if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
        depth -= 1
        guard depth >= 0 else { return nil }
      }
    }
    return deepest
  }
}

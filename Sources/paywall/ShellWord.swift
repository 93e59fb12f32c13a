/// A text as one word of a POSIX shell.
enum ShellWord {
  /// The text as it is where it means itself, else in quotes.
  static func quoted(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/", ":", "@", "%", "+", "=", ",": true
      default: false
      }
    }
    guard !isPlain || text.isEmpty else { return text }
    return "'" + replacing("'", in: text, with: #"'\''"#) + "'"
  }

  /// Replaces a scalar wherever it is, also where it makes one character with what follows it.
  static func replacing(
    _ scalar: Unicode.Scalar, in text: String, with replacement: String
  ) -> String {
    text.unicodeScalars.map { $0 == scalar ? replacement : String($0) }.joined()
  }
}

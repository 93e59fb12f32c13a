/// Where a key is in the text of a TOML file, for error messages. (toml++ tells lines only for
/// errors of syntax.)
struct TOMLLines {
  private let lines: [Substring]

  init(_ text: String) {
    lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }

  /// The number, from 1, of the line on which a key of a section is set; where that is not found,
  /// as in an inline table, the line of the section.
  func line(of key: String, in section: String) -> Int? {
    first { header, line in header == section[...] && Self.sets(key, line) }
      ?? self.line(of: section)
  }

  /// The number, from 1, of the line of a section's header, or of the key at the top that it is.
  func line(of section: String) -> Int? {
    first { header, line in
      line.hasPrefix("[") ? header == section[...] : header == nil && Self.sets(section, line)
    }
  }

  /// The first line that a condition holds for, of the header it is under (its own, if it is one)
  /// and its text.
  private func first(where holds: (Substring?, Substring) -> Bool) -> Int? {
    var header: Substring?
    for (index, line) in lines.enumerated() {
      let text = line.drop(while: \.isWhitespace)
      if text.hasPrefix("[") { header = Self.word(text.drop { $0 == "[" || $0.isWhitespace }) }
      if holds(header, text) { return index + 1 }
    }
    return nil
  }

  private static func sets(_ key: String, _ line: Substring) -> Bool {
    let rest = line.drop { $0 == "\"" || $0 == "'" }
    guard word(rest) == key[...] else { return false }
    let after = rest.dropFirst(key.count).drop { $0.isWhitespace || $0 == "\"" || $0 == "'" }
    return after.hasPrefix("=") || after.hasPrefix(".")
  }

  private static func word(_ text: Substring) -> Substring {
    text.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
  }
}

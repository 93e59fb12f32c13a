/// Where a key is in the text of a TOML file, for error messages. (toml++ tells lines only for
/// errors of syntax.)
struct TOMLLines {
  private let lines: [Substring]

  init(_ text: String) {
    lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }

  /// The number of the line, from 1, on which a key of a section is set, or of the section's header.
  ///
  /// Nil where it is not found, as within a multi-line value or an inline table.
  func line(section: String?, key: String?) -> Int? {
    var current: Substring?
    for (index, line) in lines.enumerated() {
      let text = line.drop(while: \.isWhitespace)
      if text.hasPrefix("[") {
        current = Self.word(text.drop { $0 == "[" || $0.isWhitespace })
        if key == nil || key == section, current.map(String.init) == section ?? key {
          return index + 1
        }
      } else if let key, current.map(String.init) == section, Self.sets(key, text) {
        return index + 1
      }
    }
    return section == nil || key == nil ? nil : line(section: nil, key: section)
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

/// A piece of a document.
enum GraphQLToken: Hashable {
  case name(String)
  case mark(String)
  case number(Int64)
  case string(String)

  static func tokens(of text: String) throws(GraphQLRefusal) -> [GraphQLToken] {
    var tokens: [GraphQLToken] = []
    var rest = text[...]
    while let first = rest.first {
      if first == "#" {
        rest = rest.drop { !$0.isNewline }
      } else if first == "," || first.isWhitespace {
        rest.removeFirst()
      } else if rest.hasPrefix("...") {
        tokens.append(.mark("..."))
        rest.removeFirst(3)
      } else if "{}()[]:!$=@".contains(first) {
        tokens.append(.mark(String(first)))
        rest.removeFirst()
      } else if first == "\"" {
        tokens.append(.string(try string(&rest)))
      } else {
        let word = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
        guard !word.isEmpty else { throw .validation("Unexpected character '\(first)'.") }
        rest.removeFirst(word.count)
        tokens.append(Int64(word).map { .number($0) } ?? .name(String(word)))
      }
    }
    return tokens
  }

  private static func string(_ rest: inout Substring) throws(GraphQLRefusal) -> String {
    rest.removeFirst()
    var text = ""
    while let character = rest.popFirst(), !character.isNewline {
      switch character {
      case "\"": return text
      case "\\":
        guard let escaped = rest.popFirst(), "\"\\/".contains(escaped) else {
          throw .validation("Of escapes, only \\\", \\\\ and \\/ are known here.")
        }
        text.append(escaped)
      default: text.append(character)
      }
    }
    throw .validation("A string does not end.")
  }
}

internal import HTTP

/// A place in a JSON text, such as `/StatusSNS/ENERGY/Power` (RFC 6901).
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
  /// The pointer as it is written.
  public let description: String
  private let tokens: [String]

  /// Reads a pointer: empty for the whole text, or tokens that each begin with `/`.
  ///
  /// Nil where it does not begin with `/`, or has a `~` that is followed by neither 0 nor 1.
  public init?(_ text: String) {
    description = text
    guard !text.isEmpty else {
      tokens = []
      return
    }
    guard text.hasPrefix("/") else { return nil }
    var tokens: [String] = []
    for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let token = Self.unescaped(part) else { return nil }
      tokens.append(token)
    }
    self.tokens = tokens
  }

  /// A pointer of the given tokens, not escaped.
  init(of tokens: String...) {
    self.tokens = tokens
    description = tokens.map { token in
      "/" + token.replacing("~", with: "~0").replacing("/", with: "~1")
    }.joined()
  }

  /// The value at the place, or nil where there is none.
  func value(in text: JSONValue) -> JSONValue? {
    var value = text
    for token in tokens {
      switch value {
      case .object(let members):
        guard let member = members[token] else { return nil }
        value = member
      case .array(let elements):
        guard let index = Self.index(token), elements.indices.contains(index) else { return nil }
        value = elements[index]
      default: return nil
      }
    }
    return value
  }

  /// `~1` is a slash, and `~0` a tilde, in this order: `~01` is `~1` (section 4).
  private static func unescaped(_ part: Substring) -> String? {
    var text = ""
    var rest = part
    while let tilde = rest.firstIndex(of: "~") {
      text += rest[..<tilde]
      rest = rest[rest.index(after: tilde)...]
      switch rest.popFirst() {
      case "0": text += "~"
      case "1": text += "/"
      default: return nil
      }
    }
    return text + rest
  }

  /// Digits without leading zeros.
  private static func index(_ token: String) -> Int? {
    guard token.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }),
      token == "0" || !token.hasPrefix("0")
    else { return nil }
    return Int(token)
  }
}

/// A URL as it may be shown in errors and logs.
///
/// Node providers put API keys into the path, the query or the first label of the host. User and
/// password, query and fragment are left out, and `…` replaces the path, for nobody can tell a key
/// from a word, and each label of the host that looks like a key.
public struct ShownURL: Hashable, Sendable, CustomStringConvertible {
  /// The URL without its secrets.
  public let description: String

  /// Whether what is not shown looks like a key or a password, and not only like a path.
  public let holdsKey: Bool

  private let secrets: [String]

  /// Reads a URL; one that is malformed is shown by its scheme alone, if at all.
  public init(_ url: String) {
    guard let colon = url.firstRange(of: "://"),
      let scheme = ["http", "https"].first(where: { $0 == url[..<colon.lowerBound].lowercased() })
    else {
      self.init(description: "(not an http or https URL)", secrets: [url], holdsKey: false)
      return
    }
    let rest = url[colon.upperBound...]
    let visible = rest.prefix { $0 != "?" && $0 != "#" }
    // A password may hold an unescaped slash: all up to the last @ is taken for the user's.
    let start = visible.lastIndex(of: "@").map(visible.index(after:)) ?? visible.startIndex
    let authority = visible[start...].prefix { $0 != "/" }
    let path = visible[authority.endIndex...]
    guard let (host, port) = Self.hostAndPort(authority),
      // A question mark within a password would make its beginning look like a host.
      !rest[visible.endIndex...].contains("@")
    else {
      self.init(description: "\(scheme)://…", secrets: [String(rest)], holdsKey: true)
      return
    }
    let labels = host.hasPrefix("[") ? [host] : host.split(separator: ".")
    let hidden =
      labels.filter(Self.looksSecret) + path.split(separator: "/")
      + [rest[..<start].dropLast(), rest[visible.endIndex...].dropFirst()]
      + rest[visible.endIndex...].split(separator: "&").map { $0.drop { $0 != "=" }.dropFirst() }
    let shownHost = labels.map(Self.shown).joined(separator: ".") + port
    self.init(
      description: "\(scheme)://\(shownHost)" + (path.count > 1 ? "/…" : path),
      secrets: hidden.map(String.init),
      holdsKey: start > rest.startIndex || visible.endIndex < rest.endIndex
        || (labels + path.split(separator: "/")).contains(where: Self.looksSecret))
  }

  private init(description: String, secrets: [String], holdsKey: Bool) {
    self.description = description
    self.holdsKey = holdsKey
    self.secrets = secrets
  }

  /// The text with each of the URL's secrets, and of the others given, replaced by `…`.
  public func hidingSecrets(in text: String, others: [String] = []) -> String {
    // As bytes: to a String a key is another one when an accent follows it.
    let hidden = (secrets + others).map { Array($0.utf8) }.filter { $0.count > 3 }
      .sorted { $0.count > $1.count }
      .reduce(Array(text.utf8)) { $0.replacing($1, with: Array("…".utf8)) }
    return String(decoding: hidden, as: UTF8.self)
  }

  /// The beginning of a body as it may be shown: one short line without secrets.
  func excerpt(of body: [UInt8], others: [String]) -> String {
    guard !body.isEmpty else { return "(no body)" }
    let beginning = String(decoding: body.prefix(Self.excerptByteCount), as: UTF8.self)
    var text = hidingSecrets(in: beginning, others: others)
    if body.count > Self.excerptByteCount {
      // The half of a secret may be left at the end.
      text.unicodeScalars.removeLast(
        min((secrets + others).map(\.utf8.count).max() ?? 0, text.unicodeScalars.count))
    }
    // Cut only after hiding, so that no half of a secret stays.
    return SafeText.line(text, maximumCount: 120)
  }

  private static let excerptByteCount = 2000

  private static func hostAndPort(_ authority: Substring) -> (host: Substring, port: Substring)? {
    let end =
      authority.hasPrefix("[")
      ? authority.firstIndex(of: "]").map(authority.index(after:))
      : authority.firstIndex(of: ":") ?? authority.endIndex
    guard let end, end > authority.startIndex else { return nil }
    let port = authority[end...]
    let isPort =
      port.isEmpty
      || port.hasPrefix(":") && port.utf8.count <= 6
        && port.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    return isPort ? (authority[..<end], port) : nil
  }

  private static func shown(_ part: Substring) -> String {
    looksSecret(part) ? "…" : String(part)
  }

  /// Keys are long, or mix letters and digits; words, versions and numbers of IP addresses do not.
  private static func looksSecret(_ part: Substring) -> Bool {
    guard !part.hasPrefix("[") else { return false }
    var digits = 0
    var changes = 0
    var previousIsDigit: Bool?
    for byte in part.utf8 {
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      digits += isDigit ? 1 : 0
      changes += previousIsDigit.map { $0 != isDigit } == true ? 1 : 0
      previousIsDigit = isDigit
    }
    return part.utf8.count > 24 || digits > 4 || changes > 2
  }
}

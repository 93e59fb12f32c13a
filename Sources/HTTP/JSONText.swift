internal import FoundationEssentials

extension JSONValue {
  /// Reads a text of JSON from a stranger.
  ///
  /// - Parameters:
  ///   - text: UTF-8.
  ///   - maximumDepth: How many arrays and objects may be within each other.
  /// - Returns: Nil where the text is no JSON, is nested more deeply, or holds a number that no type
  ///   holds.
  public static func read(_ text: [UInt8], maximumDepth: Int = 64) -> JSONValue? {
    guard let depth = JSONDepth.deepest(in: text), depth <= maximumDepth else { return nil }
    return try? JSONDecoder().decode(JSONValue.self, from: Data(text))
  }
}

import Foundation

/// A JSON text, any one value of which can be replaced by another.
public struct OddJSON {
  private enum Step {
    case key(String)
    case index(Int)
  }

  /// A value of each type, and a number that is too large for most.
  public static var values: [Any] { [NSNull(), true, 7, 1e300, "x", [1], ["a": 1]] }

  private let root: Any
  private let paths: [[Step]]

  /// Reads a text.
  ///
  /// - Throws: Where it is no JSON.
  public init(_ text: [UInt8]) throws {
    root = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
    paths = Self.paths(root)
  }

  /// How many values there are, the whole and its parts.
  public var count: Int { paths.count }

  /// The text with another value in the place of one.
  ///
  /// - Throws: Where the value cannot be written as JSON.
  public func replacing(_ place: Int, by value: Any) throws -> [UInt8] {
    let odd = Self.replacing(root, at: paths[place][...], by: value)
    return Array(try JSONSerialization.data(withJSONObject: odd, options: .fragmentsAllowed))
  }

  private static func paths(_ value: Any) -> [[Step]] {
    var paths: [[Step]] = [[]]
    if let members = value as? [String: Any] {
      for (key, member) in members.sorted(by: { $0.key < $1.key }) {
        paths += self.paths(member).map { [.key(key)] + $0 }
      }
    } else if let elements = value as? [Any] {
      for (index, element) in elements.enumerated() {
        paths += self.paths(element).map { [.index(index)] + $0 }
      }
    }
    return paths
  }

  private static func replacing(_ old: Any, at path: ArraySlice<Step>, by value: Any) -> Any {
    switch path.first {
    case nil:
      return value
    case .key(let key):
      var members = old as? [String: Any] ?? [:]
      members[key] = replacing(members[key] ?? NSNull(), at: path.dropFirst(), by: value)
      return members
    case .index(let index):
      var elements = old as? [Any] ?? []
      elements[index] = replacing(elements[index], at: path.dropFirst(), by: value)
      return elements
    }
  }
}

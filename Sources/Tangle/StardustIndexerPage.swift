internal import PaywallCore

/// A page of an indexer's outputs.
struct StardustIndexerPage: Decodable {
  /// Where the next page begins; nil: there is none.
  var cursor: String?
  /// The outputs' names.
  var items: [String]

  /// So many pages hold a million outputs; a node that goes on after that repeats itself.
  static let pageLimit = 1000

  /// The outputs of all pages; each is asked for by its cursor, the first without one.
  static func allOutputs<Failure: Error>(
    _ page: (_ cursor: String?) throws(Failure) -> StardustIndexerPage
  ) throws(Failure) -> [StardustOutputID] {
    var found: [StardustOutputID] = []
    var cursor: String?
    for _ in 0..<pageLimit {
      let page = try page(cursor)
      found += page.items.compactMap { StardustOutputID($0) }
      guard let next = page.cursor, next != cursor, isPlain(next) else { break }
      cursor = next
    }
    return found
  }

  /// Whether a text of a node's may stand in a URL as it is.
  static func isPlain(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(\.isPlain)
  }
}

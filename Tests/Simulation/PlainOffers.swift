/// What is sold, written down plainly: none of the product's code.
struct PlainOffers {
  /// An offer as the seller states it.
  struct Terms: Equatable {
    var name: String
    var topics: [String]
    var price: Int64
    var perMs: Int64
    var minimumMs: Int64
  }

  /// An offer while it is in force, to the end that is not included.
  struct Version: Equatable {
    var terms: Terms
    var fromMs: Int64
    var untilMs: Int64?

    func isInForce(_ timeMs: Int64) -> Bool {
      fromMs <= timeMs && (untilMs == nil || timeMs < untilMs ?? 0)
    }
  }

  /// What the seller may sell.
  static let names = ["live", "other", "extra"]

  /// The versions; those in force at one time are in the seller's order of that time.
  private(set) var versions: [Version] = []
  /// What was stated, and from when on.
  private var statements: [(fromMs: Int64, terms: [Terms])] = []

  /// Takes what the seller states from now on.
  mutating func state(_ stated: [Terms], nowMs: Int64, firstFromMs: Int64) {
    let isFirst = versions.isEmpty
    let staying = versions.filter { $0.untilMs == nil && stated.contains($0.terms) }.map(\.terms)
    let isOrderKept = staying == stated.filter { staying.contains($0) }
    for index in versions.indices where versions[index].untilMs == nil {
      if !isOrderKept || !stated.contains(versions[index].terms) {
        versions[index].untilMs = nowMs
      }
    }
    var place = 0
    for terms in stated {
      if let index = versions.firstIndex(where: { $0.untilMs == nil && $0.terms == terms }) {
        place = index + 1
      } else {
        versions.insert(
          Version(terms: terms, fromMs: isFirst ? firstFromMs : nowMs), at: place)
        place += 1
      }
    }
    statements.append((isFirst ? firstFromMs : nowMs, stated))
  }

  /// The version of a name at a time; without a name, of the first offer.
  func version(named name: String?, atMs timeMs: Int64) -> Version? {
    let stated = statements.last { $0.fromMs <= timeMs }?.terms ?? []
    guard let terms = stated.first(where: { name == nil || $0.name == name }) else { return nil }
    return versions.first { $0.terms == terms && $0.isInForce(timeMs) }
  }
}

/// MQTT's filters, as far as the simulation uses them: `+` and `#` match any level at the end.
func plainlyMatches(_ filter: String, _ topic: String) -> Bool {
  if filter == "#" { return !topic.hasPrefix("$") }
  if filter.hasSuffix("/#") {
    let root = filter.dropLast(2)
    return topic == root || topic.hasPrefix(root + "/")
  }
  if filter.hasSuffix("/+") {
    let root = filter.dropLast(1)
    return topic.hasPrefix(root) && !topic.dropFirst(root.count).contains("/")
  }
  return filter == topic
}

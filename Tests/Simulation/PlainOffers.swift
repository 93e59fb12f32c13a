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

  /// The order in which the seller's configuration has the offers that it has.
  static let names = ["live", "other", "extra"]

  private(set) var versions: [Version] = []

  /// Takes what the seller states from now on.
  mutating func state(_ stated: [Terms], nowMs: Int64, firstFromMs: Int64) {
    let isFirst = versions.isEmpty
    for index in versions.indices where versions[index].untilMs == nil {
      if !stated.contains(versions[index].terms) { versions[index].untilMs = nowMs }
    }
    for terms in stated
    where !versions.contains(where: { $0.untilMs == nil && $0.terms == terms }) {
      versions.append(Version(terms: terms, fromMs: isFirst ? firstFromMs : nowMs))
    }
  }

  /// The versions, offer by offer.
  var ordered: [Version] {
    Self.names.flatMap { name in versions.filter { $0.terms.name == name } }
  }

  /// The version of a name at a time; without a name, of the first offer.
  func version(named name: String?, atMs timeMs: Int64) -> Version? {
    for wanted in name.map({ [$0] }) ?? Self.names {
      let found = versions.first { $0.terms.name == wanted && $0.isInForce(timeMs) }
      if let found { return found }
    }
    return nil
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

/// What is sold, written down plainly: none of the product's code.
struct PlainOffers {
  /// An offer as the seller states it.
  struct Terms: Equatable {
    var name: String
    var topics: [String]
    var price: Int64
    var perMs: Int64
    var minimumMs: Int64
    /// How many connections of one account may read at once; 0: any number.
    var clients = 0
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
  /// The order in which offers were stated, and from when on.
  private var orders: [(fromMs: Int64, names: [String])] = []

  /// An offer's terms from a later time on.
  struct Announced: Equatable {
    var terms: Terms
    var fromMs: Int64
  }

  /// Takes what the seller states from now on, and has announced for each of these offers.
  mutating func state(
    _ stated: [Terms], _ announced: [String: Announced], nowMs: Int64, firstFromMs: Int64
  ) {
    let isFirst = versions.isEmpty
    // What is still to come is stated anew.
    versions.removeAll { $0.fromMs > nowMs }
    for index in versions.indices where versions[index].untilMs.map({ $0 > nowMs }) ?? false {
      versions[index].untilMs = nil
    }
    let current = stated.map { terms in
      announced[terms.name].flatMap { $0.fromMs <= nowMs ? $0.terms : nil } ?? terms
    }
    begin(current, nowMs: nowMs, fromMs: isFirst ? firstFromMs : nowMs)
    for terms in stated {
      guard let next = announced[terms.name], next.fromMs > nowMs else { continue }
      let open = versions.lastIndex { $0.terms.name == terms.name && $0.untilMs == nil }
      guard let open else { continue }
      versions[open].untilMs = next.fromMs
      versions.insert(Version(terms: next.terms, fromMs: next.fromMs), at: open + 1)
    }
    orders.append((isFirst ? firstFromMs : nowMs, stated.map(\.name)))
  }

  private mutating func begin(_ stated: [Terms], nowMs: Int64, fromMs: Int64) {
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
        versions.insert(Version(terms: terms, fromMs: fromMs), at: place)
        place += 1
      }
    }
  }

  /// The version of a name at a time; without a name, of the first offer.
  func version(named name: String?, atMs timeMs: Int64) -> Version? {
    let names = orders.last { $0.fromMs <= timeMs }?.names ?? []
    return names.lazy.filter { name == nil || $0 == name }.compactMap { found in
      versions.first { $0.terms.name == found && $0.isInForce(timeMs) }
    }.first
  }
}

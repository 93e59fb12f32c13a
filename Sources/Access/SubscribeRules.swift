import PaywallCore

/// What is sold, as a SUBSCRIBE is judged: by filters that overlap or cover others.
struct SubscribeRules: ~Copyable, Sendable {
  /// A SUBSCRIBE is refused where none of it could be read (`subscribe = "strict"`).
  let isStrict: Bool
  /// The filters that are sold, and not wholly free, by number.
  private let tree: TopicTree<Int>
  private let offers: [OfferKey]
  /// Other offers whose filters cover each of them.
  private let covering: [[OfferKey]]

  init(free: [TopicFilter], sold: [(offer: OfferKey, filter: TopicFilter)], isStrict: Bool) {
    self.isStrict = isStrict
    let freeTree = TopicTree(free.map { (filter: $0, value: true) })
    let sold = sold.filter { !freeTree.contains(covering: $0.filter) { _ in true } }
    let tree = TopicTree(sold.enumerated().map { (filter: $1.filter, value: $0) })
    let offers = sold.map(\.offer)
    covering = sold.map { sold in
      var covering: Set<OfferKey> = []
      _ = tree.contains(covering: sold.filter) { number in
        if offers[number] != sold.offer { covering.insert(offers[number]) }
        return false
      }
      return Array(covering)
    }
    self.tree = tree
    self.offers = offers
  }

  /// Whether a filter asks for anything that is sold.
  func concernsSold(_ filter: TopicFilter) -> Bool {
    tree.contains(overlapping: filter) { _ in true }
  }

  /// Whether all that a filter matches is sold by one offer.
  func isWhollySold(_ filter: TopicFilter) -> Bool {
    tree.contains(covering: filter) { _ in true }
  }

  /// Whether an account holds an offer of anything that a filter matches.
  func holdsAny(of filter: TopicFilter, _ holds: (OfferKey) -> Bool) -> Bool {
    tree.contains(overlapping: filter) { holds(offers[$0]) }
  }

  /// Whether an account holds an offer of everything sold that a filter matches.
  func holdsAll(of filter: TopicFilter, _ holds: (OfferKey) -> Bool) -> Bool {
    !tree.contains(overlapping: filter) { number in
      !holds(offers[number]) && !covering[number].contains(where: holds)
    }
  }
}

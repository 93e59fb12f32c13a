import PaywallCore

/// What is sold, as a SUBSCRIBE is judged: by filters that overlap or cover others.
struct SubscribeRules: ~Copyable, Sendable {
  /// A SUBSCRIBE is refused where none of it could be read (`subscribe = "strict"`).
  let isStrict: Bool
  private let free: TopicTree<Bool>
  /// The filters that are sold, and not wholly free, by number.
  private let tree: TopicTree<Int>
  /// The offer that sells each of them, by its place in `offers`.
  private let seller: [Int]
  /// The other offers whose filters cover each of them.
  private let covering: [[Int]]
  /// All offers, in order.
  private let offers: [OfferKey]

  init(free: [TopicFilter], sold: [(offer: OfferKey, filter: TopicFilter)], isStrict: Bool) {
    self.isStrict = isStrict
    let free = TopicTree(free.map { (filter: $0, value: true) })
    let sold = sold.filter { !free.contains(covering: $0.filter) { _ in true } }
    let offers = Set(sold.map(\.offer)).sorted()
    let places = Dictionary(uniqueKeysWithValues: offers.enumerated().map { ($1, $0) })
    let seller = sold.map { places[$0.offer] ?? 0 }
    let tree = TopicTree(sold.enumerated().map { (filter: $1.filter, value: $0) })
    covering = sold.enumerated().map { number, sold in
      var covering: Set<Int> = []
      _ = tree.contains(covering: sold.filter) { other in
        if seller[other] != seller[number] { covering.insert(seller[other]) }
        return false
      }
      return Array(covering)
    }
    self.free = free
    self.tree = tree
    self.seller = seller
    self.offers = offers
  }

  /// Whether a filter asks for anything that is sold.
  func concernsSold(_ filter: TopicFilter) -> Bool {
    !isWhollyFree(filter) && tree.contains(overlapping: filter) { _ in true }
  }

  /// Whether anyone may read all that a filter matches.
  func isWhollyFree(_ filter: TopicFilter) -> Bool {
    free.contains(covering: filter) { _ in true }
  }

  /// Whether all that a filter matches is sold by one offer.
  func isWhollySold(_ filter: TopicFilter) -> Bool {
    tree.contains(covering: filter) { _ in true }
  }

  /// Whether an account holds an offer of anything sold that a filter matches.
  func isHeld(
    anyOf filter: TopicFilter, by account: UnsafePointer<AccountRecord>?, _ nowMs: Int64
  ) -> Bool {
    guard let held = account?.held(of: offers, nowMs) else { return false }
    return tree.contains(overlapping: filter) { held[seller[$0]] }
  }

  /// Whether an account holds an offer of everything sold that a filter matches.
  func isHeld(
    allOf filter: TopicFilter, by account: UnsafePointer<AccountRecord>?, _ nowMs: Int64
  ) -> Bool {
    guard let held = account?.held(of: offers, nowMs) else { return !concernsSold(filter) }
    return !tree.contains(overlapping: filter) { number in
      !held[seller[number]] && !covering[number].contains { held[$0] }
    }
  }
}

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
  /// How many connections of one account may read each offer at once; `Int.max`: any number.
  private let connectionLimits: [Int]
  private let hasConnectionLimits: Bool

  init(
    free: [TopicFilter], sold: [(offer: OfferKey, filter: TopicFilter)],
    connectionLimits: [OfferKey: Int], isStrict: Bool
  ) {
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
    self.connectionLimits = offers.map { connectionLimits[$0] ?? .max }
    hasConnectionLimits = self.connectionLimits.contains { $0 < .max }
    self.free = free
    self.tree = tree
    self.seller = seller
    self.offers = offers
  }

  /// Whether a filter asks for anything that is sold.
  func concernsSold(_ filter: TopicFilter) -> Bool {
    tree.contains(overlapping: filter) { _ in true }
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

  /// What an account may do with all that a filter matches.
  struct Share {
    /// Whether anything that is sold is among it.
    var concernsSold = false
    /// Whether the account holds an offer of everything sold that is among it.
    var isHeld = true
    /// How many connections of the account may read all of it at once; nil: any number.
    var connectionLimit: Int?
  }

  /// What an account may do with all that a filter matches.
  func share(
    of filter: TopicFilter, by account: UnsafePointer<AccountRecord>?, _ nowMs: Int64
  ) -> Share {
    guard let held = account?.held(of: offers, nowMs) else {
      let concernsSold = concernsSold(filter)
      return Share(concernsSold: concernsSold, isHeld: !concernsSold)
    }
    var share = Share()
    share.isHeld = !tree.contains(overlapping: filter) { number in
      share.concernsSold = true
      guard held[seller[number]] || covering[number].contains(where: { held[$0] }) else {
        return true
      }
      if hasConnectionLimits { lower(&share.connectionLimit, to: number, held) }
      return false
    }
    if !share.isHeld { share.connectionLimit = nil }
    return share
  }

  /// Lowers a limit to that of one of the filters: what is held of the offers that sell it allows.
  private func lower(_ limit: inout Int?, to number: Int, _ held: [Bool]) {
    var most = held[seller[number]] ? connectionLimits[seller[number]] : 0
    for offer in covering[number] where held[offer] { most = max(most, connectionLimits[offer]) }
    if most < .max { limit = min(limit ?? most, most) }
  }
}

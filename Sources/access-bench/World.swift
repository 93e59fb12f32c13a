import Access
import PaywallCore

/// Buyers and offers to measure with.
///
/// Buyer number *b* holds offer number *b* modulo the offers.
struct World {
  /// How the offers name their topics.
  enum Kind: String, CaseIterable {
    /// `sensor/17/live`
    case literal
    /// `sensor/17/#` and `+/17/live`, by turns
    case wildcard
  }

  let buyers: Int
  let offers: Int
  let kind: Kind

  var rules: AccessRules {
    AccessRules(
      free: [TopicFilter("free/#")].compactMap(\.self),
      sold: (0..<offers).map { (OfferKey($0), [TopicFilter(filter($0))].compactMap(\.self), 0) },
      accounts: [])
  }

  var accounts: AccountTable {
    var table = AccountTable(capacity: buyers + max(1000, buyers / 8))
    for buyer in 0..<buyers { _ = table.set(access(buyer), of: Array(name(buyer).utf8)) }
    return table
  }

  var table: AccessTable { AccessTable(rules: rules, accounts: accounts) }

  /// What a buyer holds, from the beginning of time to its end.
  func access(_ buyer: Int) -> [OfferAccess] {
    [
      OfferAccess(
        offer: OfferKey(buyer % offers), span: Span(startsAtMs: 0, endsAtMs: .max))
    ]
  }

  /// A name as long as almost the longest that buyers have, and a wallet's.
  func name(_ buyer: Int) -> String {
    var random = SplitMix64(seed: UInt64(buyer))
    let digits = (0..<4).map { _ in
      let text = String(random.next(), radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    return "buyer:" + digits.joined().prefix(60)
  }

  /// A topic that an offer sells.
  func topic(_ offer: Int) -> String { "sensor/\(offer)/live" }

  func filter(_ offer: Int) -> String {
    switch kind {
    case .literal: topic(offer)
    case .wildcard: offer.isMultiple(of: 2) ? "sensor/\(offer)/#" : "+/\(offer)/live"
    }
  }
}

/// A random number generator that repeats itself for the same seed.
///
/// Source: Guy L. Steele Jr., Doug Lea, Christine H. Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// What is sold: topics, for a price per span of time.
///
/// One version of it, in force for a while.
public struct Offer: Hashable, Sendable {
  /// The name; several versions share it.
  public var name: Name
  /// What may be read by whoever has paid.
  public var topics: [TopicFilter]
  /// The price of `perMs`, in NANOS; more than zero.
  public var price: Nanos
  /// The span that the price buys, in milliseconds; more than zero.
  public var perMs: Int64
  /// The least that can be bought, in milliseconds; smaller payments are kept as credit.
  public var minimumMs: Int64
  /// How many connections of one account may read at once; 0: any number.
  public var clients: Int
  /// From when this version is in force, in Unix milliseconds of the tangle's time.
  public var validFromMs: Int64
  /// Until when, not including; nil: until further notice.
  public var validUntilMs: Int64?

  /// A version of an offer with the given terms.
  public init(
    name: Name, topics: [TopicFilter], price: Nanos, perMs: Int64, minimumMs: Int64 = 1,
    clients: Int = 0, validFromMs: Int64, validUntilMs: Int64? = nil
  ) {
    self.name = name
    self.topics = topics
    self.price = price
    self.perMs = perMs
    self.minimumMs = minimumMs
    self.clients = clients
    self.validFromMs = validFromMs
    self.validUntilMs = validUntilMs
  }

  /// Whether this version is in force at the given time.
  public func isInForce(atMs timeMs: Int64) -> Bool {
    validFromMs <= timeMs && timeMs < validUntilMs ?? .max
  }

  /// The time that an amount buys: `floor(amount × per / price)` milliseconds.
  ///
  /// No more than 2⁶² milliseconds, which is 146 million years.
  public func boughtMs(for amount: Nanos) -> Int64 {
    guard amount > 0, price > 0, perMs > 0 else { return 0 }
    let bought = UInt128(amount) * UInt128(perMs) / UInt128(price)
    return Int64(min(bought, UInt128(Offer.boughtLimitMs)))
  }

  /// The amount that buys at least the given time, in NANOS; nil where it is more than there is.
  public func amount(forMs timeMs: Int64) -> Nanos? {
    guard timeMs > 0, price > 0, perMs > 0 else { return 0 }
    let (quotient, remainder) = (UInt128(timeMs) * UInt128(price))
      .quotientAndRemainder(dividingBy: UInt128(perMs))
    return Nanos(exactly: quotient + (remainder > 0 ? 1 : 0))
  }

  /// Whether another version sells the same for the same price.
  public func hasSameTerms(as other: Offer) -> Bool {
    var other = other
    other.validFromMs = validFromMs
    other.validUntilMs = validUntilMs
    return self == other
  }

  private static let boughtLimitMs: Int64 = 1 << 62
}

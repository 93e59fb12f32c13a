/// The rules that a topic falls under, in 32 bytes.
struct TopicClass: BitwiseCopyable {
  /// How many offers are kept here; a topic of more is looked up in the rules each time.
  static let offerLimit = 3

  /// The topics that are our own.
  enum Own: UInt8 {
    /// Not our own.
    case no
    /// `$SYS/paywall/offers`.
    case offers
    /// All others in `$SYS/paywall`.
    case other
  }

  /// The offer versions that sell it; of those, the first `offerCount`.
  private(set) var offers: (OfferKey, OfferKey, OfferKey) = (0, 0, 0)
  private(set) var offerCount: UInt8 = 0
  /// All offer versions that sell it.
  private(set) var offerBits = OfferBits()
  /// More sell it than are kept here.
  private(set) var hasMoreOffers = false
  var isFree = false
  /// There are configured accounts that may publish, or read it.
  var hasPublishers = false
  var hasReaders = false
  var own = Own.no

  /// Whether more than the offers that are kept here decide who may read it.
  var isExceptional: Bool { hasMoreOffers || hasReaders }
  /// Whether anybody sells it.
  var isSold: Bool { offerCount > 0 }

  /// Adds an offer version that sells it.
  mutating func add(_ offer: OfferKey) {
    offerBits.insert(offer)
    switch offerCount {
    case 0: offers.0 = offer
    case 1 where offers.0 != offer: offers.1 = offer
    case 2 where offers.0 != offer && offers.1 != offer: offers.2 = offer
    case 3 where offers.0 != offer && offers.1 != offer && offers.2 != offer:
      hasMoreOffers = true
      return
    default: return
    }
    offerCount += 1
  }
}

extension UnsafePointer<TopicClass> {
  /// Whether an account holds one of the offers that are kept here, at a moment that is asked for only
  /// where the account has bought one.
  @inline(__always)
  func isHeld(by account: UnsafePointer<AccountRecord>, _ nowMs: () -> Int64) -> Bool {
    let count = pointee.offerCount
    return count > 0 && account.holds(pointee.offers.0, nowMs())
      || count > 1 && account.holds(pointee.offers.1, nowMs())
      || count > 2 && account.holds(pointee.offers.2, nowMs())
  }
}

extension TopicClass.Own {
  /// Whether a topic is our own.
  init(_ topic: UnsafeRawBufferPointer) {
    let root = Self.bytes("$SYS/paywall")
    let begin = UnsafeRawBufferPointer(rebasing: topic.prefix(root.count))
    let hasMore = topic.count > root.count
    if !begin.hasSameBytes(as: root) || hasMore && topic[root.count] != UInt8(ascii: "/") {
      self = .no
    } else {
      self = topic.hasSameBytes(as: Self.bytes("$SYS/paywall/offers")) ? .offers : .other
    }
  }

  /// Unlike an array, it is not made when it is used first.
  private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }
}

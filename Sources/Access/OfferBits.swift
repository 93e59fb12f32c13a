/// Some offers, in four bytes: it tells surely that an offer is not among them, and else only that it
/// may be, for 32 offers of consecutive numbers have a bit each, and further ones share them.
struct OfferBits: BitwiseCopyable {
  /// Every offer.
  static let all = OfferBits(bits: .max)

  private var bits: UInt32

  /// None.
  init() { bits = 0 }

  private init(bits: UInt32) { self.bits = bits }

  /// Adds an offer.
  mutating func insert(_ offer: OfferKey) {
    bits |= 1 << UInt32(truncatingIfNeeded: offer & 31)
  }

  /// Adds others.
  mutating func formUnion(_ other: OfferBits) { bits |= other.bits }

  /// Whether any offer may be among both.
  @inline(__always)
  func overlaps(_ other: OfferBits) -> Bool { bits & other.bits != 0 }

  /// The same offers by other bits, which depend on an account's hash: what two accounts hold can then
  /// be kept together, and seldom is one's offer taken for the other's.
  @inline(__always)
  func turned(by hash: UInt64) -> OfferBits {
    let count = UInt32(truncatingIfNeeded: hash) & 31
    return OfferBits(bits: bits &<< count | bits &>> (32 &- count & 31))
  }
}

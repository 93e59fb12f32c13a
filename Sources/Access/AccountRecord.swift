import Glibc
public import PaywallCore

/// What an offer version is called in memory: the number of its row in the ledger.
public typealias OfferKey = Int64

/// When an account may read what an offer version sells.
public struct OfferAccess: Hashable, Sendable, BitwiseCopyable {
  /// The offer version.
  public var offer: OfferKey
  /// When.
  public var span: Span

  /// Access of the given parts.
  public init(offer: OfferKey, span: Span) {
    self.offer = offer
    self.span = span
  }
}

/// The name of an account and its access, in two cache lines.
///
/// A plain value that points to memory of its own where there is more than one access: its owner, a
/// table or a batch of changes, moves it, never copies it, and deallocates it.
struct AccountRecord: BitwiseCopyable {
  /// Longer than any account's name: `buyer:` and 64 bytes are 70.
  static let longestName = 91

  /// First, so that a pointer to the record is one to the name.
  fileprivate var name: InlineArray<91, UInt8>
  fileprivate var nameLength: UInt8
  fileprivate var count: Int32
  /// All but the first, by offer and start.
  fileprivate var rest: UnsafeMutablePointer<OfferAccess>?
  fileprivate var first: OfferAccess

  /// A record of what an account holds; nil for a name that no account can have.
  init?(username: [UInt8], access: [OfferAccess]) {
    guard (1...Self.longestName).contains(username.count) else { return nil }
    let access = Self.normalized(access)
    guard let count = Int32(exactly: access.count) else { return nil }
    name = InlineArray { $0 < username.count ? username[$0] : 0 }
    nameLength = UInt8(username.count)
    self.count = count
    first = access.first ?? OfferAccess(offer: 0, span: Span(startsAtMs: 0, endsAtMs: 0))
    guard count > 1 else { return }
    let rest = UnsafeMutablePointer<OfferAccess>.allocate(capacity: access.count - 1)
    for index in 1..<access.count { (rest + (index - 1)).initialize(to: access[index]) }
    self.rest = rest
  }

  /// Whether it is of an account that holds nothing.
  var isEmpty: Bool { count == 0 }

  /// Frees what it points to.
  mutating func deallocate() {
    rest?.deallocate()
    rest = nil
    count = 0
  }

  /// In order, and without overlaps within an offer, so that a search finds the only candidate.
  private static func normalized(_ access: [OfferAccess]) -> [OfferAccess] {
    var result: [OfferAccess] = []
    let held = access.filter { $0.span.startsAtMs < $0.span.endsAtMs }
    for next in held.sorted(by: { ($0.offer, $0.span) < ($1.offer, $1.span) }) {
      if let last = result.last, last.offer == next.offer,
        next.span.startsAtMs <= last.span.endsAtMs
      {
        result[result.count - 1].span.endsAtMs = max(last.span.endsAtMs, next.span.endsAtMs)
      } else {
        result.append(next)
      }
    }
    return result
  }
}

extension UnsafePointer<AccountRecord> {
  /// The account's name.
  @inline(__always)
  var username: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: self, count: Int(pointee.nameLength))
  }

  /// Whether the account holds an offer at a moment, which is asked for only where it has bought it.
  @inline(__always)
  func holds(_ offer: OfferKey, _ nowMs: @autoclosure () -> Int64) -> Bool {
    if pointee.first.offer == offer, pointee.first.span.contains(nowMs()) { return true }
    return pointee.count > 1 && restHolds(offer, nowMs())
  }

  /// All offers that the account holds, at whatever time.
  var offers: OfferBits {
    var bits = OfferBits()
    guard pointee.count > 0 else { return bits }
    bits.insert(pointee.first.offer)
    guard let rest = pointee.rest else { return bits }
    for number in 0..<Int(pointee.count) - 1 { bits.insert(rest[number].offer) }
    return bits
  }

  /// Which of some offers, given in their order, the account holds at a moment.
  ///
  /// - Complexity: O(offers + what the account holds).
  func held(of offers: [OfferKey], _ nowMs: Int64) -> [Bool] {
    var held = Array(repeating: false, count: offers.count)
    var place = 0
    for number in 0..<Int(pointee.count) {
      guard let access = number == 0 ? pointee.first : pointee.rest?[number - 1] else { break }
      while place < offers.count, offers[place] < access.offer { place += 1 }
      guard place < offers.count else { break }
      if offers[place] == access.offer, access.span.contains(nowMs) { held[place] = true }
    }
    return held
  }

  /// Searches for the last access of the offer that has started.
  private func restHolds(_ offer: OfferKey, _ nowMs: Int64) -> Bool {
    guard let rest = pointee.rest else { return false }
    var low = 0
    var high = Int(pointee.count) - 1
    while low < high {
      let middle = (low + high) / 2
      let (key, span) = (rest[middle].offer, rest[middle].span)
      if (key, span.startsAtMs) <= (offer, nowMs) { low = middle + 1 } else { high = middle }
    }
    return low > 0 && rest[low - 1].offer == offer && rest[low - 1].span.contains(nowMs)
  }
}

extension UnsafeRawBufferPointer {
  /// Whether both hold the same bytes.
  @inline(__always)
  func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let start = baseAddress, let otherStart = other.baseAddress else { return true }
    return memcmp(start, otherStart, count) == 0
  }
}

public import PaywallCore

/// The logins of buyers, each by the keyed hash of its name and password: a hash table of a fixed
/// size.
///
/// A hash covers the name, so to be in the table is to be right; no names are needed. The hashes are
/// keyed with the broker's secret: nobody outside can choose any that collide.
///
/// It never grows: the watcher builds a larger one, which takes its place as a whole. About 43 bytes
/// for each login that there is room for.
public struct LoginTable: ~Copyable, Sendable {
  /// A hash, in words of which the first is never 0 or 1: those are slots without a hash.
  private typealias Slot = SIMD4<UInt64>

  private static let unused = Slot.zero
  private static let vacant = Slot(1, 0, 0, 0)

  private let slots: FlatBuffer<Slot>
  /// How many slots are or were in use, at most `capacity`.
  private var usedCount = 0
  /// How many logins there are.
  public private(set) var count = 0
  /// How many logins there is room for, those counted that were removed.
  public let capacity: Int

  /// An empty table with room for so many logins.
  public init(capacity: Int) {
    self.capacity = max(0, capacity)
    // At most three quarters full.
    slots = FlatBuffer(zeros: self.capacity + self.capacity / 3 + 1)
  }

  /// The bytes that it takes.
  public var byteCount: Int { slots.byteCount }

  /// Whether a login is right.
  public func contains(_ hash: Bytes32) -> Bool {
    let wanted = Self.slot(hash)
    return slots[place(of: wanted)] == wanted
  }

  /// Adds a login.
  ///
  /// - Returns: False where there is no room for another.
  public mutating func insert(_ hash: Bytes32) -> Bool {
    let new = Self.slot(hash)
    let place = place(of: new)
    guard slots[place] != new else { return true }
    guard usedCount < capacity else { return false }
    usedCount += 1
    count += 1
    slots[place] = new
    return true
  }

  /// Removes a login.
  public mutating func remove(_ hash: Bytes32) {
    let old = Self.slot(hash)
    let place = place(of: old)
    guard slots[place] == old else { return }
    slots[place] = Self.vacant
    count -= 1
  }

  /// Where a hash is, or else the unused slot where it belongs.
  private func place(of wanted: Slot) -> Int {
    let count = UInt64(truncatingIfNeeded: slots.count)
    var place = Int(truncatingIfNeeded: wanted.y.multipliedFullWidth(by: count).high)
    while slots[place] != wanted, slots[place] != Self.unused {
      place = place &+ 1 == slots.count ? 0 : place &+ 1
    }
    return place
  }

  private static func slot(_ hash: Bytes32) -> Slot {
    var slot = hash.bytes.withUnsafeBytes { bytes in
      Slot(
        bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }
    // Of 2^63 hashes two pairs become alike by it.
    if slot.x < 2 { slot.x |= 2 }
    return slot
  }
}

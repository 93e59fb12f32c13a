public import PaywallCore

/// What accounts hold, by their names inside the broker: a hash table of a fixed size.
///
/// Open addressing with linear probing. Five bytes for each slot are kept apart from the records, so
/// that mostly the right record alone is fetched from memory, or none: with a million accounts that
/// fetch is all that a look-up costs. Who has bought nothing, or something else, is mostly told
/// without any probing.
///
/// It never grows: the watcher builds a larger one, which takes its place as a whole. About 160 bytes
/// for each account that there is room for.
public struct AccountTable: ~Copyable, Sendable {
  /// Of slots that were never in use, where probing ends.
  private static let unused: UInt8 = 0
  /// Of slots that were in use and are not.
  private static let vacant: UInt8 = 1

  private let hash: KeyedHash
  /// Of each slot: a part of the hash of the record there, above those two.
  private let tags: FlatBuffer<UInt8>
  /// Of each slot: what all accounts hold for whom probing starts there, wherever their records are;
  /// each one's turned by its hash.
  private let offers: FlatBuffer<OfferBits>
  private let records: FlatBuffer<AccountRecord>
  /// How many slots are or were in use, at most `capacity`.
  private var usedCount = 0
  /// How many accounts hold something.
  public private(set) var count = 0
  /// How many accounts there is room for, those counted that hold nothing any more.
  public let capacity: Int

  /// An empty table with room for so many accounts.
  public init(capacity: Int) {
    self.init(capacity: capacity, hash: KeyedHash())
  }

  /// The same by a given hash, which decides whose slots collide.
  init(capacity: Int, hash: KeyedHash) {
    self.hash = hash
    self.capacity = max(0, capacity)
    // At most four fifths full.
    let slotCount = self.capacity + self.capacity / 4 + 1
    tags = FlatBuffer(zeros: slotCount)
    offers = FlatBuffer(zeros: slotCount)
    records = FlatBuffer(zeros: slotCount)
  }

  deinit {
    for slot in 0..<records.count { records.pointer(slot).pointee.deallocate() }
  }

  /// The bytes that it takes, without those of accounts that hold more than one access.
  public var byteCount: Int { tags.byteCount + offers.byteCount + records.byteCount }

  /// Sets all that an account holds, in place of what it held.
  ///
  /// - Parameters:
  ///   - access: Offers and when; none where it holds nothing any more.
  ///   - username: The account's name inside the broker. Bytes that no account can have for a name
  ///     get nothing.
  /// - Returns: False where there is no room for another account.
  public mutating func set(_ access: [OfferAccess], of username: Username) -> Bool {
    guard var record = AccountRecord(username: username, access: access) else { return true }
    let isDone = exchange(&record)
    record.deallocate()
    return isDone
  }

  /// What an account holds; nil, too, where it holds none of the offers that are asked about.
  @inline(__always)
  func find(
    _ username: UnsafeRawBufferPointer, holding wanted: OfferBits = .all
  ) -> UnsafePointer<AccountRecord>? {
    let hash = self.hash(username)
    var slot = home(hash)
    guard offers[slot].overlaps(wanted.turned(by: hash)) else { return nil }
    let tag = Self.tag(hash)
    while true {
      let found = tags[slot]
      if found == tag {
        let record = UnsafePointer(records.pointer(slot))
        if record.username.hasSameBytes(as: username) { return record }
      } else if found == Self.unused {
        return nil
      }
      slot = next(slot)
    }
  }

  /// Whether an account may hold some offers, as far as can be told without probing.
  func mayHold(_ wanted: OfferBits, _ username: Username) -> Bool {
    let hash = username.withUnsafeBytes { self.hash($0) }
    return offers[home(hash)].overlaps(wanted.turned(by: hash))
  }

  /// Puts a record in the place of the one of the same name, and gives that one back: nothing is
  /// allocated or freed here.
  ///
  /// - Returns: False where there is no room for another account; then nothing has changed.
  mutating func exchange(_ record: inout AccountRecord) -> Bool {
    let (hash, known) = withUnsafePointer(to: record) {
      (self.hash($0.username), find($0.username))
    }
    guard let known else { return record.isEmpty || add(&record, hash) }
    let slot = known - UnsafePointer(records.pointer(0))
    swap(&record, &records.pointer(slot).pointee)
    if records[slot].isEmpty {
      tags[slot] = Self.vacant
      count -= 1
    }
    countOffers(of: home(hash))
    return true
  }

  /// Notes what the accounts hold for whom probing starts at a slot.
  private func countOffers(of start: Int) {
    var held = OfferBits()
    var slot = start
    while tags[slot] != Self.unused {
      let record = UnsafePointer(records.pointer(slot))
      let hash = self.hash(record.username)
      if tags[slot] > Self.vacant, home(hash) == start {
        held.formUnion(record.offers.turned(by: hash))
      }
      slot = next(slot)
    }
    offers[start] = held
  }

  private mutating func add(_ record: inout AccountRecord, _ hash: UInt64) -> Bool {
    let home = home(hash)
    var slot = home
    while tags[slot] > Self.vacant { slot = next(slot) }
    if tags[slot] == Self.unused {
      guard usedCount < capacity else { return false }
      usedCount += 1
    }
    tags[slot] = Self.tag(hash)
    // Not by the subscript, which Swift 6.3 cannot compile here for ThreadSanitizer.
    offers.pointer(home).pointee.formUnion(
      withUnsafePointer(to: record) { $0.offers.turned(by: hash) })
    swap(&record, &records.pointer(slot).pointee)
    count += 1
    return true
  }

  /// Where probing starts, by the upper half of the hash.
  @inline(__always)
  private func home(_ hash: UInt64) -> Int {
    Int(truncatingIfNeeded: ((hash >> 32) &* UInt64(truncatingIfNeeded: records.count)) >> 32)
  }

  @inline(__always)
  private func next(_ slot: Int) -> Int {
    slot &+ 1 == records.count ? 0 : slot &+ 1
  }

  @inline(__always)
  private static func tag(_ hash: UInt64) -> UInt8 {
    UInt8(truncatingIfNeeded: hash) | 0x80
  }
}

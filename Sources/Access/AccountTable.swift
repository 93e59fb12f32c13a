public import PaywallCore

/// What accounts hold, by their names inside the broker: a hash table of a fixed size.
///
/// It never grows: the watcher builds a larger one, which takes its place as a whole. About 165 bytes
/// for each account that there is room for.
public struct AccountTable: ~Copyable, Sendable {
  private let hash = KeyedHash()
  private let index: TagIndex
  private let records: FlatBuffer<AccountRecord>
  /// Positions of records that were in use and are not, the last one freed first.
  private let freed: FlatBuffer<UInt32>
  private var freedCount = 0
  /// How many records were ever in use.
  private var usedCount = 0

  /// An empty table with room for so many accounts.
  public init(capacity: Int) {
    let capacity = max(0, min(capacity, Int(UInt32.max) - 1))
    index = TagIndex(capacity: capacity)
    records = FlatBuffer(zeros: capacity)
    freed = FlatBuffer(zeros: capacity)
  }

  deinit {
    for position in 0..<usedCount { records.pointer(position).pointee.deallocate() }
  }

  /// How many accounts hold something.
  public var count: Int { usedCount - freedCount }

  /// How many accounts there is room for.
  public var capacity: Int { records.count }

  /// The bytes that it takes, without those of accounts that hold more than one access.
  public var byteCount: Int { index.byteCount + records.byteCount + freed.byteCount }

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

  /// What an account holds.
  @inline(__always)
  func find(_ username: UnsafeRawBufferPointer) -> UnsafePointer<AccountRecord>? {
    guard let found = locate(username, hash(username)) else { return nil }
    return UnsafePointer(records.pointer(found.position))
  }

  /// Puts a record in the place of the one of the same name, and gives that one back: nothing is
  /// allocated or freed here.
  ///
  /// - Returns: False where there is no room for another account; then nothing has changed.
  mutating func exchange(_ record: inout AccountRecord) -> Bool {
    let hash = withUnsafePointer(to: record) { self.hash($0.username) }
    let found = withUnsafePointer(to: record) { locate($0.username, hash) }
    if let found {
      swap(&record, &records.pointer(found.position).pointee)
      if records.pointer(found.position).pointee.isEmpty { remove(found.slot, found.position) }
      return true
    }
    if record.isEmpty { return true }
    guard let position = takePosition() else { return false }
    swap(&record, &records.pointer(position).pointee)
    index.insert(hash, position)
    return true
  }

  @inline(__always)
  private func locate(
    _ username: UnsafeRawBufferPointer, _ hash: UInt64
  ) -> (slot: Int, position: Int)? {
    index.find(hash) { position in
      UnsafePointer(records.pointer(position)).username.hasSameBytes(as: username)
    }
  }

  private mutating func remove(_ slot: Int, _ position: Int) {
    index.remove(slot: slot)
    freed[freedCount] = UInt32(truncatingIfNeeded: position)
    freedCount += 1
  }

  private mutating func takePosition() -> Int? {
    if freedCount > 0 {
      freedCount -= 1
      return Int(freed[freedCount])
    }
    guard usedCount < records.count else { return nil }
    usedCount += 1
    return usedCount - 1
  }
}

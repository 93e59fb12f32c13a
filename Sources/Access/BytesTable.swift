/// A hash table keyed by byte strings, looked up without making a copy of the key.
///
/// Open addressing with linear probing, at most three quarters full. Keys that clients choose are
/// hashed with Swift's seeded hasher, so that nobody can choose keys that collide.
struct BytesTable<Value: Sendable>: Sendable {
  private struct Slot: Sendable {
    var hash: Int
    var key: [UInt8]
    var value: Value
  }

  private var slots: [Slot?] = Array(repeating: nil, count: 8)
  /// How many keys there are.
  private(set) var count = 0

  /// The value of a key.
  ///
  /// - Complexity: O(length of the key) on average.
  func value(for key: UnsafeRawBufferPointer) -> Value? {
    slots[index(of: key, hash: Self.hash(key))]?.value
  }

  /// Sets the value of a key, or removes the key where the value is nil.
  ///
  /// - Complexity: O(length of the key) on average, amortized over growth.
  mutating func set(_ value: Value?, for key: [UInt8]) {
    let hash = key.withUnsafeBytes(Self.hash)
    let index = key.withUnsafeBytes { self.index(of: $0, hash: hash) }
    switch (slots[index] != nil, value) {
    case (true, let value?):
      slots[index]?.value = value
    case (true, nil):
      remove(at: index)
    case (false, let value?):
      slots[index] = Slot(hash: hash, key: key, value: value)
      count += 1
      if count * 4 > slots.count * 3 { grow() }
    case (false, nil): break
    }
  }

  private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: key)
    return hasher.finalize()
  }

  /// Where the key is, or the free slot where it would go.
  private func index(of key: UnsafeRawBufferPointer, hash: Int) -> Int {
    var index = hash & (slots.count - 1)
    while let slot = slots[index] {
      if slot.hash == hash, slot.key.withUnsafeBytes({ $0.elementsEqual(key) }) { return index }
      index = (index + 1) & (slots.count - 1)
    }
    return index
  }

  /// Frees a slot, and moves back those that probing put behind it.
  private mutating func remove(at removed: Int) {
    var free = removed
    var index = (free + 1) & (slots.count - 1)
    slots[free] = nil
    count -= 1
    while let slot = slots[index] {
      let home = slot.hash & (slots.count - 1)
      let mayMove = (index &- home) & (slots.count - 1) >= (index &- free) & (slots.count - 1)
      if mayMove {
        slots[free] = slot
        slots[index] = nil
        free = index
      }
      index = (index + 1) & (slots.count - 1)
    }
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    for slot in old.lazy.compactMap(\.self) {
      var index = slot.hash & (slots.count - 1)
      while slots[index] != nil { index = (index + 1) & (slots.count - 1) }
      slots[index] = slot
    }
  }
}

/// Finds where something is kept by its hash: pairs of a tag, which is the upper half of the hash,
/// and a position in some other buffer.
///
/// Open addressing with linear probing, at most half full, eight pairs to a cache line: who is not
/// there is mostly told by a single one.
struct TagIndex: ~Copyable, Sendable {
  /// The tag in the upper half, the position plus one in the lower; zero where there is none.
  private let pairs: FlatBuffer<UInt64>

  /// An index for so many positions at most.
  init(capacity: Int) {
    pairs = FlatBuffer(zeros: 2 * capacity + 1)
  }

  /// The bytes that it takes.
  var byteCount: Int { pairs.byteCount }

  /// The slot and position of the first pair with this hash's tag for which `isWanted` holds.
  @inline(__always)
  func find(_ hash: UInt64, where isWanted: (Int) -> Bool) -> (slot: Int, position: Int)? {
    let tag = hash >> 32
    var slot = home(of: tag)
    while true {
      let pair = pairs[slot]
      if pair == 0 { return nil }
      let position = Self.position(pair)
      if pair >> 32 == tag, isWanted(position) { return (slot, position) }
      slot = next(slot)
    }
  }

  /// Adds a position.
  ///
  /// Its owner never adds more than there is room for.
  func insert(_ hash: UInt64, _ position: Int) {
    let tag = hash >> 32
    var slot = home(of: tag)
    while pairs[slot] != 0 { slot = next(slot) }
    pairs[slot] = tag << 32 | UInt64(truncatingIfNeeded: position &+ 1)
  }

  /// Empties a slot, and moves back those that probing put behind it.
  func remove(slot removed: Int) {
    var hole = removed
    var slot = next(removed)
    while pairs[slot] != 0 {
      let home = home(of: pairs[slot] >> 32)
      if distance(from: home, to: slot) >= distance(from: hole, to: slot) {
        pairs[hole] = pairs[slot]
        hole = slot
      }
      slot = next(slot)
    }
    pairs[hole] = 0
  }

  /// Where probing starts: tags are spread over the slots in their order.
  @inline(__always)
  private func home(of tag: UInt64) -> Int {
    Int(truncatingIfNeeded: (tag &* UInt64(truncatingIfNeeded: pairs.count)) >> 32)
  }

  @inline(__always)
  private func next(_ slot: Int) -> Int {
    slot &+ 1 == pairs.count ? 0 : slot &+ 1
  }

  private func distance(from start: Int, to end: Int) -> Int {
    end >= start ? end - start : end - start + pairs.count
  }

  @inline(__always)
  private static func position(_ pair: UInt64) -> Int {
    Int(truncatingIfNeeded: pair & 0xFFFF_FFFF) &- 1
  }
}

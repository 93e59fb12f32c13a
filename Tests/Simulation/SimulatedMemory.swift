import TestSupport

@testable import Access

/// How little room there is in the main thread's tables, and how much it exchanges at once.
struct SimulatedMemory {
  let leastSpare: Int
  let changesPerTurn: Int
  private let hashKeys: (UInt64, UInt64, UInt64)

  init(_ random: inout SplitMix64) {
    leastSpare = [1, 2, 4, 1000].randomElement(using: &random) ?? 1000
    changesPerTurn = [1, 1000].randomElement(using: &random) ?? 1000
    hashKeys = (random.next(), random.next(), random.next())
  }

  /// A table in which the same accounts collide in each world of a seed.
  func table(capacity: Int) -> AccountTable {
    AccountTable(capacity: capacity, hash: KeyedHash(keys: hashKeys))
  }
}

extension AccessTable {
  /// Whether there are changes that were taken and are not applied.
  var isBehind: Bool { state.pointee.pending != nil }
}

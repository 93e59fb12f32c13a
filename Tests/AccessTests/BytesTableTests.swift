import TestSupport
import Testing

@testable import Access

struct BytesTableTests {
  private func value(_ table: BytesTable<Int>, _ key: [UInt8]) -> Int? {
    key.withUnsafeBytes { table.value(for: $0) }
  }

  @Test func `holds what a dictionary holds, through growth and removal`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    var table = BytesTable<Int>()
    var expected: [[UInt8]: Int] = [:]
    for step in 0..<20_000 {
      let key = (0..<Int.random(in: 0...2, using: &random)).map { _ in
        UInt8.random(in: 0..<40, using: &random)
      }
      let isRemoval = Bool.random(using: &random)
      table.set(isRemoval ? nil : step, for: key)
      expected[key] = isRemoval ? nil : step
      #expect(table.count == expected.count, "seed \(seed)")
      let probe = (0..<2).map { _ in UInt8.random(in: 0..<40, using: &random) }
      #expect(value(table, probe) == expected[probe], "seed \(seed)")
    }
    for (key, number) in expected { #expect(value(table, key) == number, "seed \(seed)") }
  }
}

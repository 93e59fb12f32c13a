import Access
import PaywallCore

/// Bytes for each active buyer, in the table as the watcher builds it.
enum MemoryBench {
  static func run() {
    for buyers in [100_000, 1_000_000] {
      let table = World(buyers: buyers, offers: 1000, kind: .literal).accounts
      Measure.report([
        "bench": "memory", "buyers": buyers,
        "bytes_per_buyer": Double(table.byteCount) / Double(table.count),
      ])
    }
  }
}

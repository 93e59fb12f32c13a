import Access
import Glibc
import PaywallCore

/// One READ, from the C strings and the clock to the decision, asked of the table as the plugin asks.
enum CheckBench {
  private static let worlds = [(1, 1), (1000, 1), (1000, 1000), (1_000_000, 1), (1_000_000, 1000)]

  static func run() {
    for (buyers, offers) in worlds {
      for kind in World.Kind.allCases {
        let world = World(buyers: buyers, offers: offers, kind: kind)
        let table = world.table
        for decision in [Decision.allow, .deny] { measure(world, table, decision) }
      }
    }
  }

  private static func measure(
    _ world: World, _ table: borrowing AccessTable, _ decision: Decision
  ) {
    // So many that those of a million buyers are not in the caches when they are asked for again.
    let askCount = world.buyers > 1000 ? 1 << 18 : 1 << 12
    let asks = world.asks(askCount, decision)
    defer { asks.release() }
    var wrong = 0
    func askAll() {
      for ask in asks.all where decide(ask, table) != decision { wrong += 1 }
    }
    func askAllApart() {
      for ask in asks.all {
        apart()
        if decide(ask, table) != decision { wrong += 1 }
      }
    }
    askAll()
    let time = Measure.each(of: askCount, askAll)
    let timeApart = Measure.each(of: askCount, askAllApart)
    let pause = Measure.each(of: askCount) { for _ in asks.all { apart() } }
    Measure.require(wrong == 0, "\(wrong) wrong decisions")
    Measure.report([
      "bench": "check", "buyers": world.buyers, "offers": world.offers,
      "kind": world.kind.rawValue, "decision": "\(decision)", "ns": time.median,
      "best_ns": time.best, "apart_ns": timeApart.median - pause.median,
    ])
  }

  @inline(__always)
  private static func decide(_ ask: Asks.Ask, _ table: borrowing AccessTable) -> Decision {
    table.mayRead(ask.topic, username: ask.username, nowMs: nowMs)
  }

  /// The kernel's last tick, which is the clock that the plugin reads.
  private static func nowMs() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
  }

  /// Keeps the processor from beginning a check before the one before it has ended, as it can not in
  /// a broker: reading the precise clock does so.
  private static func apart() {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
  }
}

import Access
import PaywallCore

/// One turn of applying changes: the time for which the broker's main thread does nothing else.
enum TurnBench {
  private static let turns = 200

  static func run() {
    let world = World(buyers: 1_000_000, offers: 1000, kind: .literal)
    let queue = ChangeQueue()
    let table = AccessTable(rules: world.rules, accounts: world.accounts, changes: queue)
    var random = SplitMix64(seed: 2)
    report("1000 changes", table, queue) { _ in
      queue.push(
        changes: (0..<1000).map { _ in
          let buyer = Int.random(in: 0..<world.buyers, using: &random)
          return AccountAccess(
            username: Array(world.name(buyer).utf8), access: world.access(buyer + 1))
        })
    }
    report("1000 new buyers, and gone", table, queue) { turn in
      let newcomers = world.buyers + turn / 2 * 1000
      queue.push(
        changes: (newcomers..<newcomers + 1000).map { buyer in
          AccountAccess(
            username: Array(world.name(buyer).utf8),
            access: turn.isMultiple(of: 2) ? world.access(buyer) : [])
        })
    }
    report("new rules of 1000 offers", table, queue) { _ in queue.push(rules: world.rules) }
    let small = World(buyers: 100_000, offers: 1000, kind: .literal)
    report("a new table of 100000 buyers", table, queue, turns: 10) { _ in
      queue.push(accounts: small.accounts)
    }
  }

  private static func report(
    _ name: String, _ table: borrowing AccessTable, _ queue: ChangeQueue, turns: Int = turns,
    _ push: (Int) -> Void
  ) {
    var times: [Int64] = []
    for turn in 0..<turns {
      push(turn)
      times.append(Measure.total { table.applyChanges() })
    }
    times.sort()
    Measure.report([
      "bench": "turn", "changes": name, "us": Double(times[turns / 2]) / 1000,
      "worst_us": Double(times[turns - 1]) / 1000,
    ])
  }
}

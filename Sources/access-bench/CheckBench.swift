import Access
import Glibc
import PaywallCore

/// One READ, from the C strings and the clock to the decision, asked of the table as the plugin asks.
enum CheckBench {
  /// Who asks for what, in the order of asking: so many that neither repeats soon.
  private static let askCount = 1 << 16

  private struct Ask {
    let topic: UnsafePointer<CChar>
    let username: UnsafePointer<CChar>
  }

  static func run() {
    for (buyers, offers) in [(1, 1), (1000, 1), (1000, 1000), (1_000_000, 1), (1_000_000, 1000)] {
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
    let asks = asks(world, decision)
    defer { release(asks) }
    var wrong = 0
    func askAll() {
      for ask in asks {
        let topic = UnsafeRawBufferPointer(start: ask.topic, count: strlen(ask.topic))
        let username = UnsafeRawBufferPointer(start: ask.username, count: strlen(ask.username))
        if table.mayRead(topic, username: username, nowMs: nowMs()) != decision { wrong += 1 }
      }
    }
    askAll()
    let time = Measure.each(of: asks.count, askAll)
    guard wrong == 0 else {
      print("access-bench: \(wrong) wrong decisions")
      exit(1)
    }
    Measure.report([
      "bench": "check", "buyers": world.buyers, "offers": world.offers,
      "kind": world.kind.rawValue, "decision": "\(decision)", "ns": time.median,
      "best_ns": time.best,
    ])
  }

  /// Random buyers of random offers; a denied one asks for what another has bought, or is unknown,
  /// by turns.
  private static func asks(_ world: World, _ decision: Decision) -> [Ask] {
    var random = SplitMix64(seed: 1)
    return (0..<askCount).compactMap { number in
      let buyer = Int.random(in: 0..<world.buyers, using: &random)
      var name = world.name(buyer)
      var offer = buyer % world.offers
      if decision == .deny {
        if world.offers > 1, number.isMultiple(of: 2) {
          offer = (offer + 1) % world.offers
        } else {
          name = world.name(world.buyers + number)
        }
      }
      guard let topic = strdup(world.topic(offer)), let username = strdup(name) else { return nil }
      return Ask(topic: topic, username: username)
    }
  }

  private static func release(_ asks: [Ask]) {
    for ask in asks {
      free(UnsafeMutablePointer(mutating: ask.topic))
      free(UnsafeMutablePointer(mutating: ask.username))
    }
  }

  private static func nowMs() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
  }
}

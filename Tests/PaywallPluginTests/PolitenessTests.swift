import DevTangle
import Foundation
import TestSupport
import Testing

/// How often a node is asked, and over what.
@Suite(.timeLimit(.minutes(3))) struct PolitenessTests {
  @Test func `many polls use one connection`() async throws {
    try await OddShop.open { shop in
      func polls() -> Int { shop.node.calls.count { $0.method == "iotax_queryTransactionBlocks" } }
      #expect(eventually { polls() >= 30 })
      // One to look at the network before the broker serves anyone, one to read payments.
      #expect(shop.node.connectionCount == 2)
      try shop.pay(for: "janedoe")
      #expect(eventually { shop.isOpen(to: "janedoe") })
      #expect(shop.node.connectionCount == 2)
    }
  }

  /// When requests came while the node misbehaved, in seconds since the one before.
  private static func gaps(
    _ shop: OddShop, count: Int, headers: [String] = []
  ) -> [Double] {
    let began = ContinuousClock.now
    shop.node.misbehave {
      $0.connection.answer(status: "429 Too Many Requests", headers: headers, [])
    }
    #expect(eventually { shop.node.oddCount > count })
    let times = shop.node.calls.map(\.at).filter { $0 > began }
    return zip(times, times.dropFirst()).map { ($1 - $0) / .seconds(1) }
  }

  @Test func `a node is left alone as long as it asks for`() async throws {
    try await OddShop.open { shop in
      let gaps = Self.gaps(shop, count: 2, headers: ["Retry-After: 3"])
      #expect(gaps.allSatisfy { (2.9...7).contains($0) }, "\(gaps)")
    }
  }

  @Test func `a node that goes on failing is asked less and less often`() async throws {
    try await OddShop.open { shop in
      let gaps = Self.gaps(shop, count: 4)
      for (failures, gap) in gaps.enumerated() {
        let longest = Double(1 << failures)
        // Not before the pause is over, and within a turn of the watcher's after it.
        #expect((longest / 2 - 0.05...longest + 3).contains(gap), "\(gaps)")
      }
    }
  }
}

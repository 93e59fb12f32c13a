import DevTangle
import Foundation
import PaywallCore
import TestSupport
import Testing

/// Lists of transactions that are not as they should be, over a history of several pages.
@Suite(.timeLimit(.minutes(5))) struct ListFaultTests {
  /// What a node's lists have.
  enum Oddity: CaseIterable {
    case repetitions, disorder, noCursors, loop, forgottenCursors, noCheckpoints, noBalanceChanges
    case badDigests

    func begin(_ shop: OddShop) throws {
      let tangle = shop.market.tangle
      func set(_ faults: Fault...) throws {
        try waiting { try await tangle.setFaults(faults) }
      }
      switch self {
      case .repetitions: try set(Fault(.duplicate))
      case .disorder: try set(Fault(.reorder))
      case .noCursors: try set(Fault(.nullCursor))
      case .noBalanceChanges: try set(Fault(.missingBalanceChanges))
      default: break
      }
      shop.node.misbehave(misbehaviour)
    }

    func end(_ shop: OddShop) throws {
      let tangle = shop.market.tangle
      try waiting { try await tangle.setFaults([]) }
      shop.node.misbehave(nil)
    }

    private var misbehaviour: OddNode.Misbehaviour {
      switch self {
      case .loop:
        return { exchange in
          let text = String(decoding: exchange.body, as: UTF8.self)
          let first = text.replacing(/,"[1-9A-HJ-NP-Za-km-z]{32,44}",50,true\]/) { _ in
            ",null,50,true]"
          }
          guard let answer = exchange.honestAnswer(to: Array(first.utf8)) else { return false }
          return exchange.connection.answer(answer)
        }
      case .forgottenCursors:
        return { exchange in
          let text = String(decoding: exchange.body, as: UTF8.self)
          guard exchange.method == "iotax_queryTransactionBlocks", !text.contains("null,50,true")
          else { return exchange.answer { $0 } }
          let message = "Could not find the referenced transaction"
          return exchange.connection.answer(
            Array(#"{"id":0,"error":{"code":-32602,"message":"\#(message)"}}"#.utf8))
        }
      case .noCheckpoints:
        return { exchange in
          exchange.answer {
            guard exchange.method == "iota_multiGetTransactionBlocks" else { return $0 }
            return $0.replacing(/"checkpoint":"\d+",/, with: "")
              .replacing(/,"timestampMs":"\d+"/, with: "")
          }
        }
      case .badDigests:
        return { exchange in
          exchange.answer {
            guard exchange.method == "iotax_queryTransactionBlocks" else { return $0 }
            return $0.replacing(#""data":["#, with: #""data":[{"digest":"0OIl"},7,null,"#)
          }
        }
      default:
        return { $0.answer { $0 } }
      }
    }
  }

  private static let count = 120

  @Test(arguments: Oddity.allCases)
  func `each payment of a long history is recorded once, sooner or later`(
    oddity: Oddity
  ) async throws {
    try await OddShop.open(isStarted: false, more: "since = 2020-01-01T00:00:00Z") { shop in
      let (tangle, seller, buyer) = (shop.market.tangle, shop.market.seller, shop.market.buyer)
      try waiting {
        for number in 0..<Self.count {
          try await tangle.pay(
            100_000, to: seller, by: buyer, memo: Array(#"{"username":"user-\#(number)"}"#.utf8))
          if number.isMultiple(of: 3) { await tangle.makeCheckpoint() }
        }
      }
      try oddity.begin(shop)
      shop.start()
      let before = shop.node.oddCount
      #expect(eventually { shop.node.oddCount > before + 40 })
      #expect(try shop.rows("SELECT digest FROM payments WHERE amount <> 100000") == [])
      #expect(shop.lines.count <= 4, "\(shop.lines)")
      try oddity.end(shop)
      let last = try shop.pay(for: "johndoe")
      #expect(eventually { shop.isOpen(to: "johndoe") })
      let all = "SELECT count(*) FROM payments WHERE state = 'confirmed'"
      #expect(try eventually { try shop.rows(all) == ["\(Self.count + 1)"] })
      #expect(
        try shop.rows("SELECT sum(ends_at - starts_at) FROM grants WHERE kind = 'bought'")
          == ["\(Self.count * 100_000 + 3_600_000)"])
      #expect(eventually { shop.countings(of: last) == 1 })
    }
  }

  @Test func `a node that has forgotten what was read last is told from one that has not`()
    async throws
  {
    try await OddShop.open { shop in
      let (tangle, seller, buyer) = (shop.market.tangle, shop.market.seller, shop.market.buyer)
      for _ in 0..<3 { try shop.pay(for: "janedoe") }
      #expect(try eventually { try shop.recorded().count == 3 })
      shop.stop()
      // While the broker is off, more is paid than the node keeps.
      try waiting {
        for number in 0..<60 {
          try await tangle.pay(
            100_000, to: seller, by: buyer, memo: Array(#"{"username":"user-\#(number)"}"#.utf8))
        }
        await tangle.makeCheckpoint()
        try await tangle.setFaults([Fault(.pruned, value: 30)])
      }
      shop.start()
      #expect(eventually { shop.lines.contains { $0.contains("history ends before") } })
      #expect(eventually { shop.isOpen(to: "user-59") })
      #expect(!shop.isOpen(to: "user-0"))
      #expect(try eventually { try shop.recorded().count == 33 })
      #expect(shop.lines.count == 1, "\(shop.lines)")
      try waiting { try await tangle.setFaults([]) }
      #expect(try eventually { try shop.recorded().count == 63 })
      #expect(
        try shop.rows("SELECT sum(ends_at - starts_at) FROM grants WHERE kind = 'bought'")
          == ["\(60 * 100_000 + 3 * 3_600_000)"])
    }
  }
}

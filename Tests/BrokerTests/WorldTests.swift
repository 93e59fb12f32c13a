import DevTangle
import Testing
import TestSupport

/// Many payments, bad nodes and broken brokers, and a ledger that comes out right.
@Suite(.onOwnThread)
struct WorldTests {
  @Test func `whatever happens in between, everybody has what was paid`() async throws {
    let seed = testSeed()
    print("SEED=\(seed)")
    var random = SplitMix64(seed: seed)
    try await Shop.open { shop in
      try demand(shop)
      let buyers = [try await shop.buyer(), try await shop.buyer(), try await shop.buyer()]
      var paid: [Claim: [Int64]] = [:]
      for _ in 1...48 {
        let buyer = buyers.randomElement(using: &random) ?? buyers[0]
        let username = ["johndoe", "janedoe", nil].randomElement(using: &random) ?? nil
        let offer = username == nil ? "live" : ["live", "other"].randomElement(using: &random)
        let amount = Int64.random(in: 1000...600_000, using: &random)
        try await shop.tangle.setFaults([])
        let payment = try buyer.pay(
          amount, username: username, offer: username == nil ? nil : offer)
        let claim = Claim(account: username ?? "\(buyer.address)", offer: offer ?? "live")
        paid[claim, default: []].append(amount)
        try await upset(shop, using: &random)
        if shop.broker.isRunning, Bool.random(using: &random) {
          try shop.ledger.settled(payment, withinS: 30)
        }
      }
      try await shop.tangle.setFaults([])
      if !shop.broker.isRunning { try shop.broker.start() }
      try demand(shop)
      #expect(
        try eventually(within: 30) {
          try shop.ledger.payments().count { $0.state == "confirmed" } == 48
        }, "SEED=\(seed); the broker's last words: \(shop.broker.log.suffix(4000))")
      for (claim, amounts) in paid {
        let rows: [Bought] = try shop.ledger.rows(
          """
          SELECT starts_at, ends_at, amount, paid_at FROM grants JOIN payments
            ON payments.digest = grants.payment
          WHERE grants.account = '\(claim.account)' AND grants.offer = '\(claim.offer)'
          ORDER BY starts_at
          """)
        #expect(rows.map(\.amount).sorted() == amounts.sorted(), "SEED=\(seed)")
        // Each starts when it was paid, or at the end of what was bought before.
        var end: Int64 = 0
        for row in rows {
          #expect(row.starts_at == max(row.paid_at, end), "SEED=\(seed)")
          end = row.starts_at + row.amount
          #expect(row.ends_at == end, "SEED=\(seed)")
        }
      }
    }
  }

  /// Perhaps ends, kills or reloads the broker, or makes the node misbehave.
  private func upset(_ shop: Shop, using random: inout SplitMix64) async throws {
    let isRunning = shop.broker.isRunning
    switch Int.random(in: 0..<8, using: &random) {
    case 0 where isRunning: shop.broker.kill()
    case 1 where isRunning: #expect(try shop.broker.stop().status == 0)
    case 0...3 where !isRunning:
      try shop.broker.start()
      try demand(shop)
    case 4 where isRunning: shop.broker.reload()
    case 5: try await shop.tangle.setFaults([Fault(.duplicate)])
    case 6: try await shop.tangle.setFaults([Fault(.reorder)])
    case 7: try await shop.tangle.setFaults([Fault(.serverError, count: 1)])
    default: break
    }
  }

  /// Somebody subscribes, so that payments are read often.
  private func demand(_ shop: Shop) throws {
    try shop.client().subscribe(to: "sensor/live")
  }

  private struct Claim: Hashable {
    var account: String
    var offer: String
  }

  private struct Bought: Decodable {
    var starts_at: Int64
    var ends_at: Int64
    var amount: Int64
    var paid_at: Int64
  }
}

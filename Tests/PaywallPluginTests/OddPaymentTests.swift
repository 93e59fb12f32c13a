import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import DevTangle

/// Transactions that touch the seller's address and are no plain payments.
@Suite(.timeLimit(.minutes(3))) struct OddPaymentTests {
  /// A transaction of a key's that gives the seller these amounts, from a coin of its own.
  private static func transaction(
    _ key: PrivateKey, on tangle: DevTangle, to recipient: Address, _ amounts: [UInt64],
    memo: [UInt8] = [], sponsor: PrivateKey? = nil
  ) async throws -> SignedTransaction {
    let coin = try #require(await tangle.largestCoin(of: key.address))
    var inputs: [Transaction.Input] = amounts.map { .pure(bytes($0)) }
    inputs += [.pure(recipient.bytes), .pure(memo)]
    var source = Transaction.Argument.gas
    var gas = coin
    if let sponsor {
      gas = try #require(await tangle.largestCoin(of: sponsor.address))
      inputs.append(.owned(coin))
      source = .input(UInt16(inputs.count - 1))
    }
    let indices = (0..<UInt16(amounts.count))
    let transaction = Transaction(
      inputs: inputs,
      commands: [
        .splitCoins(source, amounts: indices.map { .input($0) }),
        .transferObjects(
          indices.map { .nestedResult(0, $0) }, to: .input(UInt16(amounts.count))),
      ],
      sender: key.address,
      gas: Transaction.GasData(
        payment: [gas], owner: (sponsor ?? key).address, price: 1000, budget: 50_000_000))
    return SignedTransaction(
      transaction: transaction,
      signatures: ([key] + (sponsor.map { [$0] } ?? [])).map { $0.sign(transaction).serialized })
  }

  private static func bytes(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
  }

  private static func name(_ name: String) -> [UInt8] {
    Array(#"{"username":"\#(name)"}"#.utf8)
  }

  @Test func `what is on the tangle is recorded as what it is`() async throws {
    try await OddShop.open { shop in
      let market = shop.market
      let (tangle, seller, buyer) = (market.tangle, market.seller, market.buyer)
      let sponsor = PrivateKey()
      let digests = try waiting {
        for address in [seller, sponsor.address] { try await tangle.fund(address) }
        var digests: [String: Digest] = [:]
        func execute(_ name: String, _ signed: SignedTransaction) async throws {
          digests[name] = try await tangle.record(signed).digest
        }
        try await execute(
          "several",
          Self.transaction(
            buyer, on: tangle, to: seller, [30_000, 40_000, 1], memo: Self.name("several")))
        try await execute(
          "sponsored",
          Self.transaction(
            buyer, on: tangle, to: seller, [50_000], memo: Self.name("sponsored"),
            sponsor: sponsor))
        try await execute(
          "own", Self.transaction(market.sellerKey, on: tangle, to: buyer.address, [60_000]))
        try await execute(
          "to itself", Self.transaction(market.sellerKey, on: tangle, to: seller, [60_000]))
        try await execute(
          "failed",
          Self.transaction(market.sellerKey, on: tangle, to: seller, [.max]))
        return digests
      }
      // And the faucet's gift.
      #expect(try eventually { try shop.recorded().count == 6 })
      func row(_ name: String) throws -> String? {
        let digest = digests[name].map { "\($0)" } ?? ""
        return try shop.rows(
          "SELECT state || ' ' || amount || ' ' || coalesce(account, reason) FROM payments"
            + " WHERE digest = '\(digest)'"
        ).first
      }
      #expect(try row("several") == "confirmed 70001 several")
      #expect(try row("sponsored") == "confirmed 50000 sponsored")
      #expect(try row("own") == "rejected 0 the seller's own transaction")
      #expect(try row("to itself") == "rejected 0 the seller's own transaction")
      #expect(
        try row("failed")?.hasPrefix("rejected 0 the transaction failed: Insufficient") == true)
      #expect(shop.isOpen(to: "several") && shop.isOpen(to: "sponsored"))
      #expect(shop.lines == [])
    }
  }

  @Test func `a memo of any bytes harms nobody, and the money is never lost`() async throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let words = [#"{"username":"#, "\"", "}", "{", ":", "\u{0}", "buyer:", "sealed", "é", "[", ","]
    let bytes = 0...UInt8.max
    let memos = (0..<60).map { _ -> [UInt8] in
      Bool.random(using: &random)
        ? (0..<Int.random(in: 0...300, using: &random)).map { _ in
          bytes.randomElement(using: &random) ?? 0
        }
        : (0..<Int.random(in: 1...8, using: &random)).flatMap { _ in
          Array((words.randomElement(using: &random) ?? "").utf8)
        }
    }
    try await OddShop.open { shop in
      let (tangle, seller, buyer) = (shop.market.tangle, shop.market.seller, shop.market.buyer)
      try waiting {
        for memo in memos { try await tangle.pay(1000, to: seller, by: buyer, memo: memo) }
      }
      #expect(try eventually { try shop.recorded().count == memos.count }, "seed \(seed)")
      let lost = "SELECT digest FROM payments WHERE state = 'rejected' OR amount <> 1000"
      #expect(try shop.rows(lost) == [], "seed \(seed)")
      #expect(shop.lines == [], "seed \(seed)")
    }
  }

  @Test func `what a node tells of other coins, objects and impossible amounts buys nothing`()
    async throws
  {
    // By the amount that was truly paid: what the node tells instead.
    let lies: [(paid: String, change: @Sendable (inout [String: Any]) -> Void)] = [
      ("11111", { $0["coinType"] = "0xbad::coin::FAKE" }),
      ("11112", { $0["coinType"] = "0xbad::iota::IOTA" }),
      ("22222", { $0["owner"] = ["ObjectOwner": "0x5"] }),
      ("33331", { $0["amount"] = "9223372036854775808" }),
      ("33332", { $0["amount"] = "340282366920938463463374607431768211455" }),
      ("33333", { $0["amount"] = "-9223372036854775809" }),
      ("33334", { $0["amount"] = 9.3e18 }),
    ]
    try await OddShop.open { shop in
      let (tangle, seller, buyer) = (shop.market.tangle, shop.market.seller, shop.market.buyer)
      shop.node.misbehave { exchange in
        exchange.answer { answer in
          lies.reduce(answer) { Self.changing($0, ofAmount: $1.paid, $1.change) }
        }
      }
      let digests = try waiting {
        var digests: [Digest] = []
        for (paid, _) in lies {
          digests.append(
            try await tangle.pay(
              UInt64(paid) ?? 0, to: seller, by: buyer, memo: Self.name("user-\(paid)")))
        }
        return digests
      }
      let states =
        "SELECT group_concat(state || ' ' || amount || ' ' || coalesce(reason, '-')) FROM"
      let other = "rejected 0 no IOTA moved to the seller"
      #expect(
        try eventually {
          try shop.rows("\(states) payments") == ["\(other),\(other),\(other)"]
        })
      #expect(
        digests.contains { digest in
          shop.logLines(containing: "\(digest)").contains { $0.contains("cannot be judged yet") }
        })
      #expect(lies.allSatisfy { !shop.isOpen(to: "user-\($0.paid)") })
      // Impossible amounts are asked for until they are told right.
      shop.node.misbehave(nil)
      #expect(try eventually { try shop.recorded().count == lies.count })
      #expect(
        try shop.rows("SELECT amount FROM payments WHERE state = 'confirmed' ORDER BY amount")
          == ["33331", "33332", "33333", "33334"])
    }
  }

  /// Changes what a node tells about a gain.
  private static func changing(
    _ answer: String, ofAmount amount: String, _ change: (inout [String: Any]) -> Void
  ) -> String {
    guard
      var root = try? JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any],
      var blocks = root["result"] as? [[String: Any]]
    else { return answer }
    for index in blocks.indices {
      guard var changes = blocks[index]["balanceChanges"] as? [[String: Any]] else { continue }
      for place in changes.indices where changes[place]["amount"] as? String == amount {
        change(&changes[place])
      }
      blocks[index]["balanceChanges"] = changes
    }
    root["result"] = blocks
    let data = (try? JSONSerialization.data(withJSONObject: root)) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }
}

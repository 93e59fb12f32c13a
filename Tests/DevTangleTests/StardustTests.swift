import Foundation
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import DevTangle

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// The Stardust tangle, as a client meets it.
struct StardustTests {
  private let peer = Peer()
  private let seller = "0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ac"
  private let sellerBech32 = "tst1qzrzwwqe9eq9grs2tjd94jnrdafmpntkkz5mauecdczkglltfy22c3phmc5"
  private let buyer = "0x9f8e5379678525edf768d7b507dc1ba9016fc4f0eac976ab7f74077d95fba312"
  private static let startS: Int64 = 1_795_300_000

  /// A tangle whose milestones are made by hand.
  private func withTangle(_ body: (DevStardust) async throws -> Void) async throws {
    var options = DevStardust.Options()
    options.milestoneMs = nil
    options.nowMs = { Self.startS * 1000 + 999 }
    let tangle = try await DevStardust.start(options)
    do {
      try await body(tangle)
    } catch {
      await tangle.stop()
      throw error
    }
    await tangle.stop()
  }

  private func get(_ tangle: DevStardust, _ path: String) async throws -> JSON {
    let answer = try await peer.send(tangle.nodeURL + "/api/" + path)
    #expect(answer.status == 200, "\(path)")
    return try answer.json
  }

  private func status(_ tangle: DevStardust, _ path: String) async throws -> Int {
    try await peer.send(tangle.nodeURL + "/api/" + path).status
  }

  private func pay(_ tangle: DevStardust, _ order: String) async throws -> String {
    let answer = try await peer.send(tangle.nodeURL + "/devkit/pay", order)
    #expect(answer.status == 200)
    return try #require(try answer.json["transactionId"]?.string)
  }

  @Test func `a payment is confirmed by the next milestone`() async throws {
    try await withTangle { tangle in
      let id = try await pay(
        tangle,
        #"{"to":"\#(sellerBech32)","amount":"5","sender":"\#(buyer)","metadata":"hi","tag":"t"}"#)
      #expect(try await status(tangle, "core/v2/outputs/\(id)0000") == 404)
      await tangle.makeMilestone()

      let info = try await get(tangle, "core/v2/info")
      #expect(info["protocol"]?["networkName"] == "private_tangle1")
      #expect(info["status"]?["confirmedMilestone"]?["index"] == 2)
      // Milestones follow one another by a second at least.
      #expect(info["status"]?["confirmedMilestone"]?["timestamp"] == .int(Self.startS + 1))
      let output = try await get(tangle, "core/v2/outputs/\(id)0000")
      #expect(output["metadata"]?["milestoneIndexBooked"] == 2)
      #expect(output["metadata"]?["isSpent"] == false)
      let address: JSON = ["type": 0, "pubKeyHash": .string(seller)]
      #expect(
        output["output"] == [
          "type": 3, "amount": "5", "unlockConditions": [["type": 0, "address": address]],
          "features": [
            ["type": 0, "address": ["type": 0, "pubKeyHash": .string(buyer)]],
            ["type": 2, "data": "0x6869"], ["type": 3, "tag": "0x74"],
          ],
        ])
      let changes = try await get(tangle, "core/v2/milestones/by-index/2/utxo-changes")
      #expect(changes["createdOutputs"]?.array?.contains(.string(id + "0000")) == true)
      let unspent = try await get(tangle, "indexer/v1/outputs/basic?address=\(sellerBech32)")
      #expect(unspent["items"] == [.string(id + "0000")])
    }
  }

  @Test func `transactions consume what they create, and nothing twice`() async throws {
    try await withTangle { tangle in
      let recipient = try #require(Address(seller))
      let sender = try #require(Address(buyer))
      for _ in 0..<20 {
        try await tangle.pay(StardustOrder(to: recipient, amount: 5, sender: sender))
      }
      let sweep = try await tangle.sweep(recipient, to: sender)
      await tangle.makeMilestone()
      await #expect(throws: Refusal.self) { try await tangle.sweep(recipient, to: sender) }

      let changes = try await get(tangle, "core/v2/milestones/by-index/2/utxo-changes")
      let created = try #require(changes["createdOutputs"]?.array).compactMap(\.string)
      let consumed = try #require(changes["consumedOutputs"]?.array).compactMap(\.string)
      #expect(Set(consumed).count == consumed.count && Set(created).count == created.count)
      var unspent: UInt64 = 0
      for id in created where !consumed.contains(id) {
        let output = try await get(tangle, "core/v2/outputs/\(id)")
        unspent += try #require(output["output"]?["amount"]?.string.flatMap { UInt64($0) })
      }
      #expect(unspent == StardustLedger.supply)
      let swept = try await get(tangle, "core/v2/outputs/\(sweep.hex)0000")
      #expect(swept["output"]?["amount"] == "100")
      let items = try await get(tangle, "indexer/v1/outputs/basic?address=\(sellerBech32)")
      #expect(items["items"] == [])
    }
  }

  @Test func `the indexer pages`() async throws {
    try await withTangle { tangle in
      let recipient = try #require(Address(seller))
      var order = StardustOrder(to: recipient, amount: 1)
      order.outputs = 3
      for _ in 0..<3 {
        try await tangle.pay(order)
        await tangle.makeMilestone()
      }
      var items: [JSON] = []
      var cursor = ""
      for _ in 0..<3 {
        let page = try await get(
          tangle, "indexer/v1/outputs/basic?address=\(sellerBech32)&pageSize=4\(cursor)")
        items += try #require(page["items"]?.array)
        cursor = page["cursor"]?.string.map { "&cursor=\($0)" } ?? ""
      }
      #expect(items.count == 9 && Set(items).count == 9 && cursor == "")
      let late = try await get(
        tangle,
        "indexer/v1/outputs/basic?address=\(sellerBech32)&createdAfter=\(Self.startS + 2)")
      #expect(late["items"]?.array?.count == 3)
      for bad in ["address=0x12", "address=iota1qq", "cursor=7", "colour=red"] {
        #expect(try await status(tangle, "indexer/v1/outputs/basic?\(bad)") == 400)
      }
    }
  }

  @Test func `unlock conditions and NFTs are told, and kept out of what is spent`() async throws {
    try await withTangle { tangle in
      let id = try await pay(
        tangle,
        #"{"to":"\#(seller)","amount":5,"expiration":7,"timelock":8,"storageReturn":"2"}"#)
      let token = try await pay(tangle, #"{"to":"\#(seller)","amount":5,"nft":true}"#)
      await tangle.makeMilestone()
      let conditions = try await get(tangle, "core/v2/outputs/\(id)0000")["output"]?[
        "unlockConditions"]
      #expect(conditions?.array?.map { $0["type"] } == [0, 1, 2, 3])
      #expect(try await get(tangle, "core/v2/outputs/\(token)0000")["output"]?["type"] == 6)
      for bad in [
        "", "{}", #"{"to":"x","amount":1}"#, #"{"to":"\#(seller)"}"#,
        #"{"to":"\#(seller)","amount":-1}"#, #"{"to":"\#(seller)","amount":1,"outputs":0}"#,
        #"{"to":"\#(seller)","amount":18446744073709551615,"outputs":2}"#,
        #"{"to":"\#(seller)","amount":1,"tag":"\#(String(repeating: "x", count: 65))"}"#,
      ] {
        #expect(try await peer.send(tangle.nodeURL + "/devkit/pay", bad).status == 400, "\(bad)")
      }
    }
  }

  @Test func `prunes and lags as it is told`() async throws {
    try await withTangle { tangle in
      let recipient = try #require(Address(seller))
      let paid = try await tangle.pay(StardustOrder(to: recipient, amount: 1))
      await tangle.makeMilestone()
      try await tangle.sweep(recipient, to: try #require(Address(buyer)))
      for _ in 0..<4 { await tangle.makeMilestone() }

      try await tangle.setFaults([Fault(.lagging, value: 4)])
      var info = try await get(tangle, "core/v2/info")
      #expect(info["status"]?["isHealthy"] == false)
      #expect(info["status"]?["confirmedMilestone"]?["index"] == 2)
      let output = try await get(tangle, "core/v2/outputs/\(paid.hex)0000")
      #expect(output["metadata"]?["isSpent"] == false)
      #expect(try await status(tangle, "core/v2/milestones/by-index/3") == 404)

      try await tangle.setFaults([Fault(.pruned, value: 2)])
      info = try await get(tangle, "core/v2/info")
      #expect(info["status"]?["pruningIndex"] == 4)
      #expect(try await status(tangle, "core/v2/milestones/by-index/4/utxo-changes") == 404)
      #expect(try await status(tangle, "core/v2/milestones/by-index/5/utxo-changes") == 200)
      #expect(try await status(tangle, "core/v2/outputs/\(paid.hex)0000") == 404)

      try await tangle.setFaults([Fault(.notFound, method: "output"), Fault(.wrongNetwork)])
      #expect(try await status(tangle, "core/v2/outputs/\(paid.hex)0000") == 404)
      #expect(try await get(tangle, "core/v2/info")["protocol"]?["networkName"] == "elsewhere")
      for kind in [Fault.Kind.down, .nullCursor, .missingBalanceChanges] {
        await #expect(throws: FaultError.self) { try await tangle.setFaults([Fault(kind)]) }
      }
      try await tangle.setFaults([Fault(.serverError, method: "info")])
      #expect(try await status(tangle, "core/v2/info") == 503)
      await tangle.goDown()
      await #expect(throws: (any Error).self) { try await status(tangle, "core/v2/info") }
      try await tangle.comeUp()
      try await tangle.setFaults([])
      #expect(try await status(tangle, "core/v2/info") == 200)
    }
  }

  @Test func `makes milestones by itself, unless it is told not to`() async throws {
    let tangle = try await DevStardust.start()
    let clock = ContinuousClock()
    let end = clock.now + .seconds(20)
    while await tangle.newestMilestone < 3, clock.now < end {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(await tangle.newestMilestone >= 3)
    await tangle.stop()
  }

  @Test func `a node of Rebased has no faults of Stardust`() async throws {
    let tangle = try await DevTangle.start()
    await #expect(throws: FaultError.self) { try await tangle.setFaults([Fault(.lagging)]) }
    await tangle.stop()
  }
}

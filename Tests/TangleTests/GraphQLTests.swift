import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Tangle

/// What is particular to GraphQL; the rest is tested over both protocols.
@Suite(.timeLimit(.minutes(5))) struct GraphQLTests {
  let vectors: Vectors
  let history: History
  let key = PrivateKey()
  let log = Log()

  init() throws {
    vectors = try Vectors()
    history = History(seller: vectors.seller)
  }

  @Test func `judges what an indexer tells as what a full node tells`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Vectors/rebased_graphql_pages.json"))
    let root = try JSONDecoder().decode(JSONValue.self, from: data)
    let nodes = (root["pages"]?.elements ?? []).flatMap {
      $0["response"]?["data"]?["transactionBlocks"]?["nodes"]?.elements ?? []
    }
    #expect(nodes.count == 11)
    for (node, example) in zip(nodes, vectors.cases) {
      var node = node
      node["effects"]?["balanceChanges"]?["pageInfo"] = ["hasNextPage": false, "endCursor": "x"]
      let decoded = try JSONDecoder().decode(GraphQLTransaction.self, from: node.data)
      let block = try JSONDecoder().decode(TransactionBlock.self, from: example.block.data)
      let digest = try #require(Digest(block.digest))
      let told = try #require(decoded.block?.judged(as: digest, seller: vectors.seller))
      guard case .clear(let payment) = told else {
        Issue.record("\(example.label): \(told)")
        continue
      }
      // Of one transaction the full node has pruned the balance changes; the indexer stores them.
      let known = block.judged(as: digest, seller: vectors.seller)
      if case .unclear = known {
        #expect(payment.amount == 500_000)
      } else {
        #expect(told == known, "\(example.label)")
      }
    }
  }

  @Test(arguments: [1, 2, 7, 50]) func `follows balance changes to their last page`(
    size: Int
  ) throws {
    let node = try FakeNode(blocks: [block(changeCount: 23)])
    node.update { $0.graphQLPageSize = size }
    let recorder = Recorder()
    try recorder.read(source([node]))
    #expect(recorder.payments.map(\.amount) == [500])
    #expect(recorder.payments.first?.rejection == nil)
    let requests = node.calls.filter { $0 == "iota_multiGetTransactionBlocks" }.count
    #expect(requests == (23 + size - 1) / size)
  }

  @Test func `balance changes that break off leave the payment open`() throws {
    let calls = Mutex(0)
    let node = try FakeNode(blocks: [block(changeCount: 23)])
    for reply: FakeNode.Reply in [
      .error(["code": -32602, "message": "no such cursor"]), .result([["balanceChanges": []]]),
    ] {
      node.update {
        $0.graphQLPageSize = 10
        $0.misbehave = { method, _ in
          guard method == "iota_multiGetTransactionBlocks" else { return nil }
          return calls.withLock { count in
            count += 1
            return count.isMultiple(of: 2) ? reply : nil
          }
        }
      }
      let recorder = Recorder()
      let source = source([node])
      try recorder.read(source)
      #expect(recorder.payments.isEmpty)
      #expect(recorder.position.checkpoint == nil)
      #expect(log.all.last?.contains("the balance changes break off") == true)
      node.update { $0.misbehave = nil }
      try recorder.read(source)
      #expect(recorder.payments.map(\.amount) == [500])
      calls.withLock { $0 = 0 }
    }
  }

  @Test func `balance changes without end are given up`() throws {
    let node = try FakeNode(blocks: [block(changeCount: 500)])
    node.update { $0.graphQLPageSize = 1 }
    let recorder = Recorder()
    try recorder.read(source([node]))
    #expect(recorder.payments.isEmpty)
    #expect(node.calls.count < 110)
  }

  @Test func `what is complete is kept where a node tires of long transactions`() throws {
    let node = try FakeNode(
      blocks: (0..<20).map { block(changeCount: 30, checkpoint: Int64($0)) })
    let calls = Mutex(0)
    node.update {
      $0.graphQLPageSize = 20
      $0.misbehave = { _, _ in
        calls.withLock { count in
          count += 1
          return count > 7 ? .http(status: "429 Too Many Requests", body: "") : nil
        }
      }
    }
    let clock = HandClock()
    let source = source([node], clock)
    let recorder = Recorder()
    for _ in 0..<20 where recorder.payments.count < 20 {
      calls.withLock { $0 = 0 }
      do { try recorder.read(source) } catch is TangleError {}
      clock.advance(by: .seconds(60))
    }
    #expect(recorder.payments.count == 20)
    #expect(recorder.position.checkpoint == 19)
    #expect(recorder.violations == [])
  }

  @Test(arguments: [1, 7, 20, 50]) func `keeps to the node's limits`(size: Int) throws {
    let node = try FakeNode(
      blocks: (0..<120).map {
        history.block(key, amount: 1, checkpoint: $0, version: UInt64($0))
      })
    node.update {
      $0.graphQLPageSize = size
      $0.pageSize = size
    }
    let recorder = Recorder()
    try recorder.read(source([node]))
    #expect(recorder.payments.count == 120)
    #expect(log.all == [])
    // Indexers take no more (`max_query_payload_size`).
    #expect(node.largestRequest < 5000)
  }

  @Test(arguments: [
    FakeNode.Reply.error(["code": -32602, "message": "Invalid value for argument \"before\""]),
    .result(["data": [], "nextCursor": nil, "hasNextPage": false]),
  ]) func `a cursor that is not known ends the list, but does not complete it`(
    reply: FakeNode.Reply
  ) throws {
    let node = try FakeNode(
      blocks: (0..<120).map {
        history.block(key, amount: 1, checkpoint: $0, version: UInt64($0))
      })
    node.update {
      $0.misbehave = { method, params in
        method.contains("query") && params[1] != nil ? reply : nil
      }
    }
    let source = source([node])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 50)
    #expect(recorder.position.checkpoint == nil)
    #expect(log.all.first?.contains("breaks off") == true)
    node.update { $0.misbehave = nil }
    try recorder.read(source)
    #expect(recorder.payments.count == 120)
    #expect(recorder.position.checkpoint == 69)  // of what this reading has covered
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-11-21T22:26:43Z", 1_795_300_003_000),
      ("2026-11-21T22:26:40.250Z", 1_795_300_000_250),
      ("2026-11-21T22:26:40.2Z", 1_795_300_000_200),
      ("2026-11-21T22:26:40.250999999Z", 1_795_300_000_250),
      ("2026-11-21t23:26:40.250+01:00", 1_795_300_000_250),
      ("2026-11-21T20:56:40.250-01:30", 1_795_300_000_250),
      ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("2000-02-29T12:00:00Z", 951_825_600_000),
      ("2100-03-01T00:00:00Z", 4_107_542_400_000),
      ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ] as [(String, Int64)]) func `reads moments`(text: String, timeMs: Int64)
  {
    #expect(RFC3339.milliseconds(text) == timeMs)
  }

  @Test(arguments: [
    "", "2026", "2026-11-21", "2026-11-21T22:26:43", "2026-11-21 22:26:43Z",
    "2026-11-21T22:26:43.Z", "2026-13-21T22:26:43Z", "2026-02-29T22:26:43Z",
    "2100-02-29T00:00:00Z", "2026-11-31T22:26:43Z", "2026-11-21T24:26:43Z",
    "2026-11-21T22:60:43Z", "2026-11-21T22:26:61Z", "2026-11-21T22:26:43+24:00",
    "2026-11-21T22:26:43ZZ", "1969-12-31T23:59:59Z", "-026-11-21T22:26:43Z",
    "٢٠٢٦-11-21T22:26:43Z", "1795300003000",
  ]) func `refuses what is no moment`(text: String) {
    #expect(RFC3339.milliseconds(text) == nil)
  }

  /// A transaction of many, of which the seller is the last.
  private func block(changeCount: Int, checkpoint: Int64 = 7) -> JSONValue {
    var block = history.block(
      key, amount: 500, checkpoint: checkpoint, version: UInt64(checkpoint))
    let others = (1..<changeCount).map { number -> JSONValue in
      [
        "owner": ["AddressOwner": .string("0x\(String(number, radix: 16))")],
        "coinType": "0x2::iota::IOTA", "amount": "-1",
      ]
    }
    block["balanceChanges"] = .array(others + (block["balanceChanges"]?.elements ?? []))
    return block
  }

  private func source(_ nodes: [FakeNode], _ clock: HandClock = HandClock()) -> RebasedSource {
    RebasedSource(
      .graphQL, nodes: nodes.map { NodeAddress(url: $0.url) }, network: "6364aad5",
      address: vectors.seller, warn: { [log] in log.append($0) }, now: { clock.now },
      random: { 0.5 })
  }
}

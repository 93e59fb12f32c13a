import Foundation
import PaywallCore
import Testing

@testable import DevTangle

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Each way to misbehave, as a client meets it.
struct FaultTests {
  private let peer = Peer()
  private let recipient = "0x9f8e5379678525edf768d7b507dc1ba9016fc4f0eac976ab7f74077d95fba312"
  private let call = #"{"id":1,"method":"iota_getChainIdentifier","params":[]}"#

  /// A tangle with four transactions in one checkpoint.
  private func withTangle(_ body: (DevTangle) async throws -> Void) async throws {
    var options = DevTangle.Options()
    options.checkpointMs = nil
    options.nowMs = { 1_795_300_000_000 }
    let tangle = try await DevTangle.start(options)
    do {
      let recipient = try #require(Address(recipient))
      for _ in 0..<4 { try await tangle.fund(recipient) }
      await tangle.makeCheckpoint()
      try await body(tangle)
    } catch {
      await tangle.stop()
      throw error
    }
    await tangle.stop()
  }

  private func page(_ tangle: DevTangle) async throws -> JSON {
    let query: JSON = [
      "filter": ["ToAddress": .string(recipient)],
      "options": ["showEffects": true, "showBalanceChanges": true],
    ]
    let answer = try await peer.call(tangle, "iotax_queryTransactionBlocks", [query])
    return try #require(answer["result"])
  }

  @Test func `pages are spoiled`() async throws {
    try await withTangle { tangle in
      let honest = try await page(tangle)
      let entries = try #require(honest["data"]?.array)
      #expect(entries.count == 4)

      try await tangle.setFaults([Fault(.duplicate)])
      #expect(try await page(tangle)["data"]?.array == entries.flatMap { [$0, $0] })

      try await tangle.setFaults([Fault(.reorder)], seed: 3)
      let shuffled = try #require(try await page(tangle)["data"]?.array)
      #expect(shuffled != entries)
      #expect(Set(shuffled) == Set(entries))

      try await tangle.setFaults([Fault(.nullCursor)])
      #expect(try await page(tangle)["nextCursor"] == .null)

      try await tangle.setFaults([Fault(.missingBalanceChanges)])
      for entry in try #require(try await page(tangle)["data"]?.array) {
        #expect(entry["balanceChanges"] == nil)
        #expect(entry["effects"] != nil)
        let text = try #require(entry["errors"]?.array?.first?.string)
        #expect(text.hasPrefix("Failed to fetch balance changes"))
      }

      try await tangle.setFaults([Fault(.pruned, value: 1)])
      #expect(try await page(tangle)["data"]?.array == [entries[3]])

      try await tangle.setFaults([Fault(.timeSkew, value: -60_000)])
      let skewed = try await page(tangle)["data"]?.array?.map { $0["timestampMs"] }
      #expect(skewed == [JSON](repeating: .text(1_795_299_940_000), count: 4))

      try await tangle.setFaults([])
      #expect(try await page(tangle) == honest)
    }
  }

  @Test func `another network answers`() async throws {
    try await withTangle { tangle in
      try await tangle.setFaults([Fault(.wrongNetwork)])
      let answer = try await peer.call(tangle, "iota_getChainIdentifier")["result"]?.string
      #expect(answer?.count == 8)
      #expect(answer != tangle.chainIdentifier)
    }
  }

  @Test func `answers are refused, broken or cut short`() async throws {
    try await withTangle { tangle in
      try await tangle.setFaults([Fault(.tooManyRequests, value: 3)])
      var answer = try await peer.send(tangle.nodeURL, call)
      #expect(answer.status == 429)
      #expect(answer.headers["retry-after"] == "3")
      #expect(throws: (any Error).self) { try answer.json }

      try await tangle.setFaults([Fault(.serverError, value: 502)])
      answer = try await peer.send(tangle.nodeURL, call)
      #expect(answer.status == 502)
      #expect(throws: (any Error).self) { try answer.json }

      try await tangle.setFaults([Fault(.malformed)])
      answer = try await peer.send(tangle.nodeURL, call)
      #expect(answer.status == 200)
      #expect(throws: (any Error).self) { try answer.json }

      try await tangle.setFaults([Fault(.truncated)])
      await #expect(throws: (any Error).self) { try await peer.send(tangle.nodeURL, call) }
    }
  }

  @Test func `a slow answer takes its time`() async throws {
    try await withTangle { tangle in
      try await tangle.setFaults([Fault(.slow, value: 300)])
      let clock = ContinuousClock()
      let elapsed = try await clock.measure { _ = try await peer.send(tangle.nodeURL, call) }
      #expect(elapsed >= .milliseconds(300))
    }
  }

  @Test func `a node goes down and comes back on its port`() async throws {
    try await withTangle { tangle in
      await tangle.goDown()
      await #expect(throws: (any Error).self) { try await peer.send(tangle.nodeURL, call) }
      #expect(try await peer.send(tangle.faucetURL).status == 200)
      await tangle.comeUp()
      #expect(try await peer.send(tangle.nodeURL, call).status == 200)
      #expect(try await page(tangle)["data"]?.array?.count == 4)

      try await tangle.setFaults([Fault(.down, value: 300_000)])
      await #expect(throws: (any Error).self) { try await peer.send(tangle.nodeURL, call) }
      try await tangle.setFaults([])
      #expect(try await peer.send(tangle.nodeURL, call).status == 200)
    }
  }

  @Test func `faults concern the method, the count and the share of requests they name`() {
    var plan = FaultPlan()
    plan.replace(
      [
        Fault(.slow, method: "a", count: 2), Fault(.malformed, method: "b"),
        Fault(.duplicate, probability: 0.25),
      ], seed: 9)
    var hits: [Fault.Kind: Int] = [:]
    for index in 0..<4_000 {
      for fault in plan.next(forAnyOf: [index.isMultiple(of: 2) ? "a" : "b"]) {
        hits[fault.kind, default: 0] += 1
      }
    }
    #expect(hits[.slow] == 2)
    #expect(hits[.malformed] == 2_000)
    #expect((900...1_100).contains(hits[.duplicate] ?? 0))
    #expect(plan.faults.first?.count == 0)
  }

  @Test func `faults are set and read over HTTP, on both ports`() async throws {
    try await withTangle { tangle in
      let body =
        #"{"faults":[{"kind":"slow","method":"x","count":3,"probability":0.5,"value":9}],"seed":4}"#
      let set = try await peer.send(tangle.nodeURL + "/devkit/faults", body)
      #expect(set.status == 200)
      #expect(
        await tangle.faults == [Fault(.slow, method: "x", count: 3, probability: 0.5, value: 9)])
      let read = try await peer.send(tangle.faucetURL + "/devkit/faults")
      #expect(read.body == set.body)
      for bad in [
        "", "{}", #"{"faults":[{"kind":"rain"}]}"#, #"{"faults":[{"kind":"slow","count":-1}]}"#,
        #"{"faults":[{"kind":"slow","value":-1}]}"#,
        #"{"faults":[{"kind":"slow","probability":2}]}"#,
        #"{"faults":[{"kind":"down","count":1}]}"#,
        #"{"faults":[{"kind":"stuckCheckpoints","method":"a"}]}"#,
        #"{"faults":[{"kind":"serverError","value":200}]}"#,
        #"{"faults":[{"kind":"pruned","value":-1}]}"#,
      ] {
        #expect(try await peer.send(tangle.faucetURL + "/devkit/faults", bad).status == 400)
      }
      #expect(await tangle.faults.count == 1)
    }
  }
}

import HTTP
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import Tangle

/// Random histories, told by nodes in random order, with lag, repetitions and failures.
@Suite(.timeLimit(.minutes(3))) struct HistoryTests {
  let seller = PrivateKey().address
  let keys = (0..<4).map { _ in PrivateKey() }

  @Test(arguments: 0..<24) func `whatever the nodes do, the same payments are recorded`(
    round: Int
  ) throws {
    let api = API.allCases[round % API.allCases.count]
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let history = randomHistory(&random)
    let nodes = try (0..<Int.random(in: 1...3, using: &random)).map { _ in try FakeNode() }
    let clock = HandClock()
    let recorder = Recorder()
    var source = source(api, nodes, clock)

    // The history grows while it is read, and the broker is restarted now and then.
    for step in 1...8 {
      for node in nodes { show(history, upTo: step * history.count / 8, on: node, &random) }
      if Bool.random(using: &random) { source = self.source(api, nodes, clock) }
      let crash = Bool.random(using: &random) ? Int.random(in: 1...4, using: &random) : .max
      do {
        try recorder.read(source, failingAtPage: crash)
      } catch is Recorder.Crash {
      } catch is TangleError {
      }
      clock.advance(by: .seconds(Int.random(in: 0...100, using: &random)))
    }
    // At last one node is well again and its index complete.
    for node in nodes {
      node.update {
        $0.blocks = history
        $0.indexLag = 0
        $0.misbehave = nil
      }
    }
    clock.advance(by: .seconds(600))
    try recorder.read(source)
    if Bool.random(using: &random) { source = self.source(api, nodes, clock) }
    try recorder.read(source)

    let expected = history.compactMap { $0["digest"]?.text.flatMap { Digest($0) } }
    #expect(Set(recorder.digests) == Set(expected), "seed \(seed)")
    #expect(recorder.violations == [], "seed \(seed)")
    let accepted = recorder.payments.filter { $0.rejection == nil }
    #expect(accepted.allSatisfy { $0.amount > 0 && $0.isPayerVerified }, "seed \(seed)")

    // Rebuilt from nothing, the order is that of checkpoints and digests, whatever the node's.
    let other = try FakeNode(blocks: shuffledWithinReach(history, &random))
    let rebuilt = Recorder()
    try rebuilt.read(self.source(api, [other], clock))
    let inOrder = recorder.payments.sorted {
      ($0.checkpoint?.sequence ?? 0, $0.digest) < ($1.checkpoint?.sequence ?? 0, $1.digest)
    }
    #expect(rebuilt.payments == inOrder, "seed \(seed)")
    #expect(rebuilt.violations == [], "seed \(seed)")
    #expect(
      rebuilt.position.checkpoint == recorder.payments.compactMap { $0.checkpoint?.sequence }.max())
  }

  private func randomHistory(_ random: inout SplitMix64) -> [JSONValue] {
    let history = History(seller: seller)
    var checkpoint: Int64 = 0
    return (0..<Int.random(in: 1...250, using: &random)).map { version in
      checkpoint += [0, 0, 1, 3, 500, 5000].randomElement(using: &random) ?? 0
      var block = history.block(
        keys[Int.random(in: 0..<4, using: &random)],
        amount: Int64.random(in: -2...1000, using: &random), checkpoint: checkpoint,
        version: UInt64(version))
      if Int.random(in: 0..<10, using: &random) == 0 {
        block["effects"]?["status"] = ["status": "failure", "error": "odd"]
      }
      return block
    }
  }

  /// Shows the beginning of a history on a node, which may lag, fail, repeat and forget.
  private func show(
    _ history: [JSONValue], upTo count: Int, on node: FakeNode, _ random: inout SplitMix64
  ) {
    let lag = Int.random(in: 0...3, using: &random)
    let visible = shuffledWithinReach(Array(history.prefix(count)), &random)
    let size = [1, 3, 7, 20, 50].randomElement(using: &random) ?? 50
    let fault = Int.random(in: 0..<8, using: &random)
    node.update {
      $0.blocks = visible.enumerated().map { index, block in
        // The newest are executed but in no checkpoint yet.
        guard index >= count - lag else { return block }
        var pending = block
        pending["checkpoint"] = nil
        pending["timestampMs"] = nil
        return pending
      }
      $0.indexLag = min(visible.count, lag / 2)
      $0.pageSize = size
      $0.misbehave = { method, params in
        guard method != "iota_getChainIdentifier" else { return nil }
        switch fault {
        case 0: return .close
        case 1: return .http(status: "503 Service Unavailable", body: "later")
        case 2 where method == "iota_multiGetTransactionBlocks":
          return .result(
            .array(Array(visible.prefix(10) + visible.suffix(10) + visible.prefix(10))))
        case 3 where params.count > 1 && params[1].text != nil:
          return .error(["code": -32602, "message": "Could not find the referenced transaction"])
        case 4 where method == "iota_multiGetTransactionBlocks":
          let pruned = visible.map { block in
            var block = block
            block["balanceChanges"] = nil
            return block
          }
          return .result(.array(pruned))
        default: return nil
        }
      }
    }
  }

  /// A node's own order: neighbours of a few checkpoints may change places.
  private func shuffledWithinReach(
    _ history: [JSONValue], _ random: inout SplitMix64
  ) -> [JSONValue] {
    var shuffled = history
    for index in shuffled.indices.dropLast() {
      let apart = (checkpoint(shuffled[index + 1]) - checkpoint(shuffled[index])).magnitude
      if apart < 10, Bool.random(using: &random) { shuffled.swapAt(index, index + 1) }
    }
    return shuffled
  }

  private func checkpoint(_ block: JSONValue) -> Int64 {
    block["checkpoint"]?.text.flatMap { Int64($0) } ?? 0
  }

  private func source(_ api: API, _ nodes: [FakeNode], _ clock: HandClock) -> RebasedSource {
    RebasedSource(
      api, nodes: nodes.map { NodeAddress(url: $0.url) }, network: "6364aad5", address: seller,
      now: { clock.now }, random: { 0.5 })
  }
}

import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Tangle

/// Random histories, told by nodes of which fewer lie than have to agree, in random order, with lag
/// and outages.
@Suite(.serialized, .timeLimit(.minutes(4))) struct AgreementHistoryTests {
  let seller = PrivateKey().address
  let keys = (0..<4).map { _ in PrivateKey() }

  @Test(arguments: 0..<12) func `exactly the honest history is recorded, each payment once`(
    round: Int
  ) async throws {
    try await onThread {
      let seed = testSeed()
      var random = SplitMix64(seed: seed &+ UInt64(round))
      let count = Int.random(in: 2...5, using: &random)
      let agree = Int.random(in: 2...count, using: &random)
      // With more, the others could not agree without them.
      let liars = Int.random(in: 0...min(agree - 1, count - agree), using: &random)
      let history = randomHistory(&random)
      let lies = randomLies(history, &random)
      let nodes = try (0..<count).map { _ in try FakeNode() }
      let isLiar = (0..<count).map { $0 < liars }.shuffled(using: &random)
      let clock = HandClock()
      let recorder = Recorder()
      func makeSource() -> AgreeingSource { agreeing(nodes, agree: agree, seller: seller, clock) }
      var source = makeSource()

      for step in 1...8 {
        for (node, isLiar) in zip(nodes, isLiar) {
          show(history, lies: isLiar ? lies : [], upTo: step * history.count / 8, on: node, &random)
        }
        if Int.random(in: 0..<3, using: &random) == 0 { source = makeSource() }
        let crash = Bool.random(using: &random) ? Int.random(in: 1...4, using: &random) : .max
        for _ in 1...2 {
          do {
            try recorder.read(source, failingAtPage: crash)
          } catch is Recorder.Crash {
          } catch is TangleError {
          }
        }
        expectNoGap(recorder, history, "seed \(seed), round \(round), step \(step)")
        clock.advance(by: .seconds(Int.random(in: 0...100, using: &random)))
      }
      // At last all honest nodes are well again.
      for (node, isLiar) in zip(nodes, isLiar) {
        node.update {
          $0.indexLag = 0
          $0.misbehave = nil
          if !isLiar { $0.blocks = history }
        }
      }
      for _ in 1...3 {
        clock.advance(by: .seconds(3700))
        try recorder.read(source)
      }
      expectNoGap(recorder, history, "seed \(seed), round \(round)")
      let alone = Recorder()
      try alone.read(agreeing([FakeNode(blocks: history)], agree: 1, seller: seller, clock))
      #expect(
        recorder.payments.sorted(by: <) == alone.payments.sorted(by: <),
        "seed \(seed), round \(round): \(agree) of \(count), \(liars) lie")
      #expect(recorder.violations == [], "seed \(seed), round \(round)")

      // Rebuilt from nothing by other brokers the order is the same.
      let rebuilt = Recorder()
      try rebuilt.read(makeSource())
      try rebuilt.read(makeSource())
      #expect(rebuilt.payments.sorted(by: <) == alone.payments.sorted(by: <))
      #expect(rebuilt.violations == [], "seed \(seed), round \(round)")
    }
  }

  /// Every payment up to the stored position was recorded, but for those that the overlap after a
  /// restart finds.
  private func expectNoGap(_ recorder: Recorder, _ history: [JSONValue], _ comment: Comment) {
    guard let position = recorder.position.checkpoint else { return }
    let lost = history.filter {
      checkpoint($0) <= position - DigestListing.firstOverlap
        && $0["digest"]?.text.flatMap { Digest($0) }.map(recorder.known.contains) == false
    }
    #expect(lost == [], comment)
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

  /// The lies that all liars tell alike, as if they were of one owner.
  private func randomLies(_ history: [JSONValue], _ random: inout SplitMix64) -> [(Int, Lie)] {
    (0..<Int.random(in: 1...5, using: &random)).compactMap { _ in
      Lie.allCases.randomElement(using: &random).map {
        (Int.random(in: 0..<history.count, using: &random), $0)
      }
    }
  }

  /// Shows the beginning of a history on a node, which may lag or fail.
  private func show(
    _ history: [JSONValue], lies: [(Int, Lie)], upTo count: Int, on node: FakeNode,
    _ random: inout SplitMix64
  ) {
    let lag = Int.random(in: 0...20, using: &random)
    var visible = Array(history.prefix(max(0, count - lag)))
    for index in visible.indices.suffix(Int.random(in: 0...3, using: &random)) {
      visible[index]["checkpoint"] = nil
      visible[index]["timestampMs"] = nil
    }
    // Neighbours of a few checkpoints may change places.
    for index in visible.indices.dropLast() {
      let apart = (checkpoint(visible[index + 1]) - checkpoint(visible[index])).magnitude
      if apart < 10, Bool.random(using: &random) { visible.swapAt(index, index + 1) }
    }
    for (place, lie) in lies where visible.indices.contains(place) {
      visible = lie.told(of: visible, at: place, History(seller: seller))
    }
    let size = [3, 7, 20, 50].randomElement(using: &random) ?? 50
    let fault = Int.random(in: 0..<5, using: &random)
    let failingCall = Int.random(in: 1...12, using: &random)
    node.update { state in
      state.blocks = visible
      state.pageSize = size
      let callsLeft = Mutex(failingCall)
      state.misbehave = { _, _ in
        switch fault {
        case 0: return .close
        case 1:
          return callsLeft.withLock {
            $0 -= 1
            return $0 == 0 ? .close : nil
          }
        default: return nil
        }
      }
    }
  }

  private func checkpoint(_ block: JSONValue) -> Int64 {
    block["checkpoint"]?.text.flatMap { Int64($0) } ?? 0
  }
}

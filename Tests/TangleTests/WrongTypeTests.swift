import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Tangle

/// Good answers, each value of which is replaced by one of each type in turn.
@Suite(.timeLimit(.minutes(3))) struct WrongTypeTests: Sendable {
  let seller = PrivateKey().address
  let key = PrivateKey()
  let clock = HandClock()
  let fake: FakeNode
  let node: OddNode

  init() throws {
    let history = History(seller: seller)
    let key = key
    fake = try FakeNode(
      blocks: (0..<2).map {
        history.block(
          key, amount: 500 + Int64($0), checkpoint: 7 + Int64($0), version: UInt64($0),
          pureInputs: [Array(#"{"username":"johndoe"}"#.utf8)])
      })
    node = try OddNode(to: fake.url)
  }

  @Test(arguments: [
    "iota_getChainIdentifier", "iotax_queryTransactionBlocks", "iota_multiGetTransactionBlocks",
  ]) func `a wrong value in any place loses nothing and invents nothing`(
    method: String
  ) async throws {
    // Many requests, which are not to keep other tests from the threads that tasks share.
    try await onThread { try replaceEach(in: method) }
  }

  private func replaceEach(in method: String) throws {
    let expected = try payments(from: source())
    #expect(expected.map(\.amount) == [500, 501])
    let count = Mutex(1)
    var place = 0
    while place < count.withLock({ $0 }) {
      for value in OddJSON.values.indices {
        node.misbehave { [place] exchange in
          guard let honest = exchange.honestAnswer() else { return false }
          guard exchange.method == method, let json = try? OddJSON(honest) else {
            return exchange.connection.answer(honest)
          }
          count.withLock { $0 = max($0, json.count) }
          let odd = try? json.replacing(min(place, json.count - 1), by: OddJSON.values[value])
          return exchange.connection.answer(odd ?? honest)
        }
        try check(expected, "\(method) \(place) \(OddJSON.values[value])")
      }
      place += 1
    }
    #expect(place > 3)
  }

  /// Reads while the node is odd, and when it is honest again.
  private func check(_ expected: [Payment], _ comment: Comment) throws {
    let source = source()
    let recorder = Recorder()
    for isOdd in [true, false] {
      if !isOdd { node.misbehave(nil) }
      clock.advance(by: .seconds(120))
      do {
        try recorder.read(source)
      } catch  where isOdd && (error is TangleError || error is NetworkMismatch) {
      }
      for payment in recorder.payments {
        let truth = try #require(expected.first { $0.digest == payment.digest }, comment)
        #expect(payment.payer == truth.payer && payment.memo == truth.memo, comment)
        // What it is told of coins, owners and times is a node's word.
        #expect(
          payment.amount == truth.amount || payment.rejection == "no IOTA moved to the seller",
          comment)
      }
      #expect(recorder.violations == [], comment)
    }
    #expect(Set(recorder.digests) == Set(expected.map(\.digest)), comment)
  }

  private func payments(from source: RebasedSource) throws -> [Payment] {
    node.misbehave(nil)
    let recorder = Recorder()
    try recorder.read(source)
    return recorder.payments
  }

  private func source() -> RebasedSource {
    RebasedSource(
      .jsonRPC, nodes: [NodeAddress(url: node.url())], network: "6364aad5", address: seller,
      now: { [clock] in clock.now }, random: { 0 })
  }
}

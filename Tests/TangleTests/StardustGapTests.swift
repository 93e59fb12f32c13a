import Foundation
import HTTP
import PaywallCore
import TestSupport
import Testing

@testable import Tangle

/// Milestones that nodes have pruned before they were read.
@Suite(.timeLimit(.minutes(2))) struct StardustGapTests {
  private typealias History = StardustHistory
  private let log = Log()
  private let history = History(40, paying: [3: 1, 8: 2, 20: 3, 30: 4])

  private func source(_ nodes: [FakeStardust]) throws -> StardustSource {
    StardustSource(
      nodes: nodes.map { NodeAddress(url: $0.url) }, network: nil,
      address: try #require(History.seller), warn: { [log] in log.append($0) })
  }

  private func recorder() -> Recorder {
    let recorder = Recorder()
    recorder.mayRecordNothing = true
    return recorder
  }

  /// A node that has forgotten the first ten milestones, and what was spent in them.
  private func prunedNode() throws -> FakeStardust {
    let node = try FakeStardust(history)
    node.update {
      $0.pruned = 10
      $0.outputs[History.id(3)] = nil
      $0.indexed = [History.id(8), History.id(20), History.id(30)]
    }
    return node
  }

  @Test func `a node that has them is asked first`() throws {
    let recorder = recorder()
    try recorder.read(source([prunedNode(), FakeStardust(history)]))
    #expect(recorder.payments.map(\.amount) == [1000, 2000, 3000, 4000])
    #expect(recorder.position.checkpoint == 30 && recorder.violations == [] && log.all == [])
  }

  @Test func `what is not spent yet is found, and the position stays before the gap`() throws {
    let node = try prunedNode()
    let source = try source([node])
    let recorder = recorder()
    try recorder.read(source)
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [2000, 3000, 4000])
    #expect(recorder.payments.first?.checkpoint?.sequence == 8)
    #expect(recorder.position.checkpoint == nil && recorder.violations == [])
    #expect(log.all.count == 1)
    #expect(log.all.first?.contains("no node has milestones 1 to 10 any more") == true)
    #expect(node.count(of: "/basic?address=tst1qzrzwwqe9eq9grs2") == 1)

    // Once the node has them again, as where another one answers behind its URL.
    node.update {
      $0.pruned = 0
      $0.outputs[History.id(3)] = history.outputs[History.id(3)]
    }
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [2000, 3000, 4000, 1000])
    #expect(recorder.position.checkpoint == 40 && recorder.violations == [])
  }

  @Test func `a node that has them fills the gap once it is there`() throws {
    let (first, second) = (try prunedNode(), try FakeStardust(history))
    second.update { $0.misbehave = { _ in ("503 Service Unavailable", "") } }
    let clock = HandClock()
    let source = StardustSource(
      nodes: [first, second].map { NodeAddress(url: $0.url) }, network: nil,
      address: try #require(History.seller), now: { clock.now })
    let recorder = recorder()
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [2000, 3000, 4000])
    second.update { $0.misbehave = nil }
    clock.advance(by: .seconds(61))
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [2000, 3000, 4000, 1000])
    #expect(recorder.position.checkpoint == 40 && recorder.violations == [])
    // From now on the first is enough.
    let asked = second.paths.count
    try recorder.read(source)
    #expect(second.paths.count == asked)
  }

  @Test func `begins where a node says that knows`() throws {
    let full = try FakeStardust(history)
    let recorder = Recorder(sinceMs: FakeStardust.timeS(8) * 1000)
    recorder.mayRecordNothing = true
    try recorder.read(source([prunedNode(), full]))
    #expect(recorder.payments.map(\.amount) == [2000, 3000, 4000])
    #expect(full.count(of: "utxo-changes") == 33)
  }

  @Test func `a gap after what was read`() throws {
    let node = try FakeStardust(history)
    node.update { $0.newest = 5 }
    let recorder = recorder()
    try recorder.read(source([node]))
    #expect(recorder.position.checkpoint == 3)
    try recorder.read(source([prunedNode()]))
    #expect(recorder.payments.map(\.amount) == [1000, 2000, 3000, 4000])
    #expect(recorder.position.checkpoint == 3)
    #expect(log.all.first?.contains("milestones 4 to 10") == true)
    // A later 'since' gives it up.
    recorder.position.sinceMs = FakeStardust.timeS(12) * 1000
    try recorder.read(source([prunedNode()]))
    #expect(recorder.position.checkpoint ?? 0 <= 3)
    #expect(log.all.count == 1)
  }

  @Test func `without an indexer, what follows is read all the same`() throws {
    let node = try prunedNode()
    node.update { $0.indexed = nil }
    let source = try source([node])
    let recorder = recorder()
    try recorder.read(source)
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [3000, 4000])
    #expect(log.all.count == 2 && log.all.last?.contains("its indexer does not tell") == true)
    node.update { $0.indexed = [History.id(8)] }
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [3000, 4000, 2000])
    #expect(recorder.position.checkpoint == nil && recorder.violations == [])
  }

  @Test func `milestones that are pruned while they are read`() throws {
    let node = try FakeStardust(history)
    node.update {
      $0.misbehave = { $0.contains("/by-index/15/utxo-changes") ? ("404 Not Found", "") : nil }
    }
    let clock = HandClock()
    let source = StardustSource(
      nodes: [NodeAddress(url: node.url)], network: nil, address: try #require(History.seller),
      warn: { [log] in log.append($0) }, now: { clock.now })
    let recorder = recorder()
    #expect(throws: TangleError.self) { try recorder.read(source) }
    #expect(recorder.payments.map(\.amount) == [1000, 2000])
    node.update {
      $0.misbehave = nil
      $0.pruned = 16
    }
    clock.advance(by: .seconds(2))
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [1000, 2000, 3000, 4000])
    #expect(recorder.position.checkpoint == 14 && recorder.violations == [])
    #expect(log.all.contains { $0.contains("milestones 15 to 16") })
  }

  @Test func `a position written by hand does not end the reading`() throws {
    let recorder = recorder()
    recorder.position.checkpoint = .max
    try recorder.read(source([FakeStardust(history)]))
    #expect(recorder.payments.isEmpty)
    #expect(log.all.count == 1)
  }
}

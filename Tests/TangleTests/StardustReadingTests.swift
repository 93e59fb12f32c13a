import Foundation
import HTTP
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Tangle

/// Milestone after milestone, whatever the nodes do.
@Suite(.timeLimit(.minutes(2))) struct StardustReadingTests {
  private typealias History = StardustHistory
  private let seller: Address
  private let log = Log()
  private let clock = HandClock()

  init() throws {
    seller = try #require(History.seller)
  }

  private func source(_ nodes: [FakeStardust], network: String? = "private_tangle1")
    -> StardustSource
  {
    StardustSource(
      nodes: nodes.map { NodeAddress(url: $0.url) }, network: network, address: seller,
      warn: { [log] in log.append($0) }, now: { [clock] in clock.now }, random: { 0.5 })
  }

  private func recorder(sinceMilestone milestone: Int64 = 0) -> Recorder {
    let recorder = Recorder(sinceMs: FakeStardust.timeS(milestone) * 1000)
    recorder.mayRecordNothing = true
    return recorder
  }

  @Test func `reads each payment once, and goes on where it was`() throws {
    let history = History(300, paying: [3: 1, 7: 2, 250: 3])
    let node = try FakeStardust(history)
    let source = source([node])
    let recorder = recorder()
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [1000, 2000, 3000])
    #expect(recorder.payments.map(\.checkpoint?.sequence) == [3, 7, 250])
    #expect(recorder.payments[0].checkpoint?.timeMs == FakeStardust.timeS(3) * 1000)
    #expect(recorder.digests[0] == History.digest(3))
    #expect(recorder.position.checkpoint == 250)

    // Nothing is asked twice, but for how far the node is.
    let asked = node.paths.count
    try recorder.read(source)
    #expect(node.paths.count == asked + 1)
    // After a restart, only what follows the position.
    try recorder.read(self.source([node]))
    #expect(node.count(of: "/by-index/250/utxo-changes") == 1)
    #expect(node.count(of: "/by-index/251/utxo-changes") == 2)
    #expect(recorder.payments.count == 3 && recorder.violations == [] && log.all == [])
  }

  @Test func `milestones without payments are progress too`() throws {
    let node = try FakeStardust(History(350))
    let recorder = recorder()
    try recorder.read(source([node]))
    #expect(recorder.position.checkpoint == 300 && recorder.payments.isEmpty)
  }

  @Test func `sees a payment that is swept at once, and not the sweep`() throws {
    var history = History(3)
    history.add(History.output(amount: "5", features: [History.sender()]), transaction: 1, at: 2)
    // The sweep leaves a rest at the seller's address, without a sender.
    history.consume(History.id(1), by: 2, at: 2)
    history.add(History.output(amount: "4"), transaction: 2, at: 2)
    history.add(History.output(amount: "1", to: History.buyer), transaction: 2, 1, at: 2)
    let recorder = recorder()
    try recorder.read(source([FakeStardust(history)]))
    #expect(recorder.payments.count == 2)
    #expect(recorder.payments[0].amount == 5000 && recorder.payments[0].rejection == nil)
    #expect(recorder.payments[0].payer == History.buyer)
    #expect(recorder.payments[1].rejection == "the seller's own transaction")
    #expect(recorder.payments[1].amount == 0)
  }

  /// Whose an output was that the seller had sent, with a condition, and that became a payment.
  @Test(
    arguments: [
      (3, -1, "the seller's own transaction"), (3, 0, "the seller's own transaction"),
      // The buyer had time to take it.
      (3, 1, nil),
      // The buyer takes it, and returns what was asked for with a payment.
      (1, 0, nil),
    ] as [(Int64, Int64, String?)]) func `what expired is the seller's own, what was taken is not`(
      condition: Int64, lateS: Int64, rejection: String?
    ) throws
  {
    var history = History(3)
    let returning: JSONValue = [
      "type": .integer(condition), "unixTime": .integer(FakeStardust.timeS(3) + lateS),
      "amount": "1", "returnAddress": History.address(seller),
    ]
    history.add(
      History.output(amount: "5", to: History.buyer, conditions: [returning]), transaction: 1,
      at: 1)
    history.consume(History.id(1), by: 2, at: 3)
    history.add(History.output(amount: "5"), transaction: 2, at: 3)
    let recorder = recorder()
    try recorder.read(source([FakeStardust(history)]))
    #expect(recorder.payments.map(\.rejection) == [rejection])
  }

  @Test func `begins where 'since' asks for, by bisection`() throws {
    let node = try FakeStardust(History(200, paying: [100: 1, 101: 2, 102: 3]))
    let recorder = recorder(sinceMilestone: 101)
    // Within the second, for milestones have whole ones.
    recorder.position.sinceMs += 999
    try recorder.read(source([node]))
    #expect(recorder.payments.map(\.amount) == [2000, 3000])
    #expect(node.count(of: "utxo-changes") == 100)
    #expect(node.paths.count < 120)
  }

  @Test func `more payments than a page holds`() throws {
    var history = History(2)
    for number in 1...120 {
      history.add(History.output(amount: "1"), transaction: UInt8(number), at: 2)
    }
    let node = try FakeStardust(history)
    let recorder = recorder()
    #expect(throws: Recorder.Crash.self) { try recorder.read(source([node]), failingAtPage: 3) }
    #expect(recorder.payments.count == 100 && recorder.position.checkpoint == nil)
    try recorder.read(source([node]))
    #expect(recorder.payments.count == 120 && recorder.position.checkpoint == 2)
    #expect(recorder.violations == [])
  }

  @Test(arguments: [
    ("404 Not Found", ""), ("200 OK", "{}"), ("200 OK", "<html>"),
    ("200 OK", String(repeating: "[", count: 100_000)),
  ]) func `an output that cannot be read holds the position, not the reading`(
    status: String, body: String
  ) throws {
    var history = History(6, paying: [2: 1, 4: 3])
    // Of two outputs of a transaction, one is told: none counts yet.
    history.add(History.output(amount: "7"), transaction: 3, at: 3)
    history.add(History.output(amount: "7"), transaction: 3, 1, at: 3)
    history.add(History.output(amount: "9"), transaction: 33, at: 3)
    let node = try FakeStardust(history)
    let missing = History.id(3, 1)
    node.update { $0.misbehave = { $0.hasSuffix(missing) ? (status, body) : nil } }
    let source = source([node])
    let recorder = recorder()
    try recorder.read(source)
    try recorder.read(source)
    #expect(recorder.payments.map(\.amount) == [1000, 9000, 3000])
    #expect(recorder.position.checkpoint == 2)
    #expect(log.all.count == 1)
    #expect(log.all.first?.contains("milestone 3 cannot be read wholly") == true)
    node.update { $0.misbehave = nil }
    try recorder.read(source)
    #expect(recorder.payments.last?.amount == 14_000)
    #expect(recorder.position.checkpoint == 6 && recorder.violations == [])
  }

  @Test func `another node tells what one does not`() throws {
    let history = History(4, paying: [2: 1])
    let (first, second) = (try FakeStardust(history), try FakeStardust(history))
    first.update { $0.outputs = [:] }
    let recorder = recorder()
    try recorder.read(source([first, second]))
    #expect(recorder.payments.count == 1 && log.all == [])
    #expect(second.count(of: "utxo-changes") == 0)
  }

  @Test(arguments: [
    ("500 Internal Server Error", "oops"), ("404 Not Found", ""), ("200 OK", "{}"),
    ("503 Service Unavailable", #"{"error":{"code":"503","message":"node is not synced"}}"#),
  ]) func `fails over, and comes back`(status: String, body: String) throws {
    let history = History(20, paying: [2: 1, 15: 2])
    let (first, second) = (try FakeStardust(history), try FakeStardust(history))
    first.update { $0.misbehave = { _ in (status, body) } }
    let source = source([first, second])
    let recorder = recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 2 && log.all.count == 1)
    let asked = first.paths.count
    first.update { $0.misbehave = nil }
    try recorder.read(source)
    #expect(first.paths.count == asked)
    clock.advance(by: .seconds(61))
    let askedSecond = second.paths.count
    try recorder.read(source)
    #expect(first.paths.count > asked && second.paths.count == askedSecond)
    #expect(log.all.last?.contains("answers again") == true)
  }

  @Test func `fails over in the middle of reading`() throws {
    let history = History(20, paying: [2: 1, 10: 2, 15: 2])
    for failAt in 1..<30 {
      let (first, second) = (try FakeStardust(history), try FakeStardust(history))
      let calls = Mutex(0)
      first.update {
        $0.misbehave = { _ in
          calls.withLock {
            $0 += 1
            return $0 >= failAt ? ("500 Oops", "") : nil
          }
        }
      }
      let recorder = recorder()
      try recorder.read(source([first, second]))
      #expect(recorder.payments.count == 3 && recorder.violations == [])
      #expect(recorder.position.checkpoint == 15)
    }
  }

  @Test func `refuses a node of another network`() throws {
    let foreign = try FakeStardust(History(4, paying: [2: 1]))
    foreign.update { $0.network = "elsewhere" }
    let alone = source([foreign])
    let refused = self.recorder()
    let error = #expect(throws: NetworkMismatch.self) { try refused.read(alone) }
    #expect(error?.found == "elsewhere" && error?.expected == "private_tangle1")
    #expect(try source([foreign], network: nil).networkIdentifier() == "elsewhere")
    let recorder = recorder()
    try recorder.read(source([foreign, FakeStardust(History(4, paying: [2: 1]))]))
    #expect(recorder.payments.count == 1)
    #expect(foreign.count(of: "utxo-changes") == 0)
  }

  @Test func `a node that lags, or is not well, is believed, and the next one is asked`() throws {
    let history = History(40, paying: [5: 1, 35: 2])
    let (first, second) = (try FakeStardust(history), try FakeStardust(history))
    first.update {
      $0.newest = 10
      $0.isHealthy = false
    }
    let alone = recorder()
    try alone.read(source([first]))
    #expect(alone.payments.count == 1)
    #expect(log.all.count == 1 && log.all.first?.contains("not healthy") == true)
    let both = recorder()
    let source = source([first, second])
    try both.read(source)
    #expect(both.payments.count == 2)
    first.update { $0.isHealthy = true }
    try both.read(source)
    try both.read(source)
    #expect(log.all.count == 3)
    #expect(log.all.last?.contains("is 10, which is 30 behind") == true)
    #expect(both.violations == [])
  }

  @Test func `tells the newest milestone of each node`() throws {
    let (first, second) = (try FakeStardust(History(4)), try FakeStardust(History(9)))
    let source = source([first, second])
    let newest = try source.latestCheckpoint()
    #expect(newest.node == 0)
    #expect(newest.checkpoint == Checkpoint(sequence: 4, timeMs: FakeStardust.timeS(4) * 1000))
    var others: [NodeCheckpoint] = []
    try source.forEachLatestCheckpoint(besides: 0) { others.append($0) }
    #expect(others.map(\.checkpoint.sequence) == [9])
    source.cancel()
    #expect(throws: TangleError.cancelled) { try source.latestCheckpoint() }
  }
}

import PaywallCore
import Synchronization
import TestSupport

@testable import Tangle

/// A node that is read beside others.
final class SimulatedNode: PaymentSource {
  /// What it shows at a time.
  struct Shown: Sendable {
    var payments: [Payment] = []
    /// The checkpoint that it says it has told all of.
    var reached: Int64 = -1
    var pageSize = 50
    /// After how many pages it fails; nil: it does not.
    var failsAfter: Int?
  }

  private let shown = Mutex(Shown())

  func show(_ next: Shown) { shown.withLock { $0 = next } }

  func networkIdentifier() throws -> String { SimulatedPlugin.network }

  func readPayments(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {
    let shown = shown.withLock { $0 }
    let start = position.checkpoint ?? -1
    var left = try shown.payments.filter {
      try ($0.checkpoint?.sequence ?? .max) > start && !isKnown($0.digest)
    }.sorted {
      ($0.checkpoint?.sequence ?? .max, $0.digest) < ($1.checkpoint?.sequence ?? .max, $1.digest)
    }
    var count = 0
    repeat {
      guard count != shown.failsAfter else {
        throw TangleError(code: .noNode, reasons: ["it fails"], retryAfterMs: 0)
      }
      let page = Array(left.prefix(shown.pageSize))
      left.removeFirst(page.count)
      let next = left.first?.checkpoint.map { $0.sequence - 1 } ?? shown.reached
      let reached = max(start, min(next, shown.reached))
      try record(
        PaymentPage(
          payments: page,
          position: ReadingPosition(
            checkpoint: reached < 0 ? nil : reached, sinceMs: position.sinceMs)))
      count += 1
    } while !left.isEmpty
  }

  func latestCheckpoint() throws -> NodeCheckpoint {
    throw TangleError(code: .noNode, reasons: ["it tells no time"], retryAfterMs: 0)
  }

  func forEachLatestCheckpoint(besides node: Int, _ body: (NodeCheckpoint) -> Void) throws {}

  func cancel() {}
}

/// Three nodes, or fewer where none has to agree, one of which may lie, and what reads them.
final class SimulatedNodes {
  /// Whether they are full nodes, whose lists and transactions are read; otherwise they hand over
  /// payments.
  let areRead: Bool
  let fullNodes: [SimulatedFullNode]
  /// How many have to tell the same; 1: a single honest node is read.
  let agree: Int
  /// Whether `source` is read; otherwise the world hands over pages of its own.
  var haveSource: Bool { agree > 1 || areRead }
  let nodes = (0..<3).map { _ in SimulatedNode() }
  /// Which one lies; nil: none.
  let liar: Int?
  /// By how much later than others each shows what is new, in milliseconds.
  let lagsMs: [Int64]
  private let isLiarBelieved: Bool
  private let clock = Clock()
  private(set) var source: any PaymentSource

  private final class Clock: Sendable {
    let start = ContinuousClock.now
    let passedMs = Mutex<Int64>(0)

    var now: ContinuousClock.Instant { start + .milliseconds(passedMs.withLock { $0 }) }
  }

  init(_ random: inout SplitMix64, isLiarBelieved: Bool) {
    agree = Int.random(in: 0..<3, using: &random) == 0 ? 2 : 1
    liar = Bool.random(using: &random) ? Int.random(in: 0..<3, using: &random) : nil
    lagsMs = (0..<3).map { _ in
      Bool.random(using: &random) ? 0 : Int64.random(in: 0...20_000, using: &random)
    }
    self.isLiarBelieved = isLiarBelieved
    areRead = Bool.random(using: &random)
    fullNodes = (0..<(agree > 1 ? 3 : Int.random(in: 1...3, using: &random))).map { number in
      SimulatedFullNode(number: number, listsCheckpoints: Bool.random(using: &random))
    }
    source = SimulatedNode()
    restart()
  }

  /// What is known of nodes is forgotten with the broker that knew it.
  func restart() {
    guard agree > 1 else {
      source = RebasedSource(pool: pool(fullNodes), address: SimulatedPlugin.address)
      return
    }
    var left: [any PaymentSource] = nodes
    if areRead {
      left = fullNodes.map { RebasedSource(pool: pool([$0]), address: SimulatedPlugin.address) }
    }
    left.reverse()
    source = AgreeingSource(
      nodes: nodes.indices.map { NodeAddress(url: "http://node\($0)") },
      agree: isLiarBelieved ? 1 : agree, now: { [clock] in clock.now }
    ) { _, _ in left.popLast() ?? SimulatedNode() }
  }

  private func pool(_ nodes: [SimulatedFullNode]) -> NodePool {
    NodePool(
      nodes: nodes.map { Node($0) }, network: SimulatedPlugin.network, warn: { _ in },
      now: { [clock] in clock.now }, random: { 0.5 })
  }

  func advance(toMs timeMs: Int64) { clock.passedMs.withLock { $0 = timeMs } }
}

import PaywallCore
import Tangle

/// Keeps the tangle's clock by what the nodes tell.
///
/// A class, so that its owner can use it while it waits for a node.
final class ClockReader: BooksClock {
  /// How often a node is asked, in milliseconds; how often while the time is far from the wall
  /// clock's, for one of them is wrong; and while it is not known yet what to make of an answer.
  private static let intervalMs: Int64 = 60_000
  private static let farIntervalMs: Int64 = 5000
  private static let unsettledIntervalMs: Int64 = 1000
  /// How often all nodes are asked, so that each one's word counts when another one lies.
  private static let roundMs: Int64 = 20 * 60_000
  /// Each sample is late by a part of the time between checkpoints, so there are more at first.
  private static let firstSamples = 10

  private(set) var clock: TangleClock
  private var readAtMs: Int64?
  private var roundAtMs: Int64
  private var count = 0
  private let machine: MachineClock
  /// How long is waited between two questions, in milliseconds.
  private static let pauseMs: Int64 = 100

  init(agree: Int, machine: MachineClock = .kernel) {
    self.machine = machine
    let nowMs = machine.monotonicMs()
    clock = TangleClock(wallMs: machine.wallMs(), monotonicMs: nowMs, agree: agree)
    roundAtMs = nowMs
  }

  private var now: Int64 { machine.monotonicMs() }

  var monotonicMs: Int64 { now }
  var offsetMs: Int64 { clock.offsetMs }

  /// How far the tangle's time is ahead of the wall clock, in milliseconds.
  var skewMs: Int64 { clock.skewMs(wallMs: machine.wallMs(), monotonicMs: now) }

  /// Whether the nodes are to be asked.
  var isDue: Bool {
    guard let readAtMs, count >= Self.firstSamples else { return true }
    let isFar = abs(skewMs) > TangleClock.toleranceMs
    let intervalMs =
      isUnsettled ? Self.unsettledIntervalMs : isFar ? Self.farIntervalMs : Self.intervalMs
    return now >= readAtMs + intervalMs
  }

  /// Whether it is not known yet what to make of an answer.
  var isUnsettled: Bool { clock.isUnsettled(monotonicMs: now) }

  /// Asks a node, and the others where its answer is doubtful.
  ///
  /// - Returns: Whether the answer was doubtful.
  /// - Throws: `NetworkMismatch` or `TangleError`.
  @discardableResult
  func read(from source: any PaymentSource) throws -> Bool {
    let first = try source.latestCheckpoint()
    count += 1
    readAtMs = now
    let isDoubtful = clock.isDoubtful(
      first.checkpoint, wallMs: machine.wallMs(), monotonicMs: now)
    take(first)
    if isDoubtful || now >= roundAtMs + Self.roundMs {
      roundAtMs = now
      try source.forEachLatestCheckpoint(besides: first.node) { take($0) }
    }
    return isDoubtful
  }

  /// Asks the nodes until it is known what to make of a doubtful answer, or the time is over.
  ///
  /// - Throws: `NetworkMismatch` or `TangleError`.
  func settle(from source: any PaymentSource, withinMs timeoutMs: Int64) throws {
    let endMs = now + timeoutMs
    while try read(from: source), isUnsettled, now < endMs {
      machine.pause(Self.pauseMs)
    }
  }

  /// Whether the tangle's time is known, and not only that of the wall clock.
  var isSynchronized: Bool { clock.isSynchronized && !isUnsettled }

  /// Asks the nodes until the tangle's time is known, or the time is over.
  ///
  /// - Throws: `NetworkMismatch` or `TangleError`.
  func synchronize(from source: any PaymentSource, withinMs timeoutMs: Int64) throws {
    let endMs = now + timeoutMs
    while !isSynchronized, now < endMs {
      try read(from: source)
      if !isSynchronized { machine.pause(Self.pauseMs) }
    }
  }

  /// Takes a payment's checkpoint.
  func take(past checkpoint: Checkpoint) {
    clock.observe(past: checkpoint, monotonicMs: now)
  }

  /// Goes on with other nodes.
  func use(agree: Int) {
    clock.forgetNodes(agree: agree)
    count = 0
  }

  private func take(_ answer: NodeCheckpoint) {
    clock.observe(
      newest: answer.checkpoint, of: answer.node, wallMs: machine.wallMs(), monotonicMs: now)
  }
}

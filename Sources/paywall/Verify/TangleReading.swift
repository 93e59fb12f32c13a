import Configuration
import Foundation
import PaywallCore
import Setup
import Synchronization
import Tangle

/// Reads all payments of a time to an address anew, into a scratch ledger.
struct TangleReading {
  /// How often nodes that fail are waited for in a row.
  private static let patience = 5
  private static let longestPauseMs: Int64 = 10_000

  /// What the nodes did wrong that did not end the reading.
  final class Warnings: Sendable {
    private let texts = Mutex<[String]>([])

    var all: [String] { texts.withLock { $0 } }

    func add(_ text: String) {
      texts.withLock { texts in
        if texts.count < 100 { texts.append(text) }
      }
    }
  }

  private let tangle: PaywallConfiguration.Tangle
  private let source: any PaymentSource
  let warnings = Warnings()
  /// How many transactions were read.
  private(set) var count = 0
  private var newestSequence: Int64?
  private var toldAt = ContinuousClock.now

  /// Nothing is asked yet.
  init(_ tangle: PaywallConfiguration.Tangle) {
    self.tangle = tangle
    let warnings = warnings
    source = tangle.source(warn: { warnings.add($0) }, goesOn: { !Interrupt.isAsked })
  }

  /// The tangle's time, in Unix milliseconds.
  ///
  /// - Throws: `TangleError` or `NetworkMismatch`.
  mutating func nowMs() throws -> Int64 {
    try withPatience { try $0.source.latestCheckpoint().checkpoint.timeMs }
  }

  /// Reads what there is, up to a time.
  ///
  /// - Parameters:
  ///   - scratch: Where it is recorded.
  ///   - untilMs: Payments of later checkpoints are left out, in Unix milliseconds.
  /// - Returns: Whether the nodes told all that they named.
  /// - Throws: `TangleError`, `NetworkMismatch` or `LedgerError`.
  mutating func run(into scratch: ScratchLedger, untilMs: Int64) throws -> Bool {
    // What a node did not tell at once is asked for again.
    var quietCount = 0
    while quietCount < 2 {
      let before = count
      try withPatience { try $0.poll(scratch, untilMs: untilMs) }
      quietCount = count == before ? quietCount + 1 : 0
    }
    Terminal.progress("")
    // A position is never beyond what a node has named and not told.
    let position = try scratch.position(tangle).checkpoint
    return newestSequence.map { position ?? -1 >= $0 } ?? warnings.all.isEmpty
  }

  private mutating func poll(_ scratch: ScratchLedger, untilMs: Int64) throws {
    let (position, tangle) = (try scratch.position(tangle), tangle)
    var (count, newest, toldAt) = (count, newestSequence, toldAt)
    defer { (self.count, newestSequence, self.toldAt) = (count, newest, toldAt) }
    var namedCount = 0
    try source.readPayments(
      after: position,
      isKnown: { digest in
        namedCount += 1
        Self.tell("\(namedCount) transactions named", &toldAt)
        return try scratch.isKnown(digest)
      },
      record: { page in
        var page = page
        let final = page.payments.filter { $0.checkpoint != nil }
        for payment in final where try !scratch.isKnown(payment.digest) {
          let isLater = payment.checkpoint.map { $0.timeMs > untilMs } ?? true
          if !isLater { count += 1 }
          newest = max(newest ?? 0, payment.checkpoint?.sequence ?? 0)
        }
        page.payments = final.filter { $0.checkpoint.map { $0.timeMs <= untilMs } ?? false }
        try scratch.record(page, tangle)
        let last = page.payments.last?.checkpoint
        Self.tell(
          "\(count) read" + (last.map { ", up to \(Moment.describe(ms: $0.timeMs))" } ?? ""),
          &toldAt)
      })
  }

  /// Tries again where no node answers for a while.
  private mutating func withPatience<Result>(
    _ body: (inout TangleReading) throws -> Result
  ) throws -> Result {
    var failures = 0
    while true {
      let before = count
      do {
        return try body(&self)
      } catch let error as TangleError where error.code != .cancelled {
        failures = count > before ? 1 : failures + 1
        guard failures < Self.patience else { throw error }
        try Self.pause(ms: min(max(error.retryAfterMs, 200), Self.longestPauseMs))
      }
    }
  }

  private static func pause(ms: Int64) throws {
    let end = ContinuousClock.now + .milliseconds(ms)
    while ContinuousClock.now < end, !Interrupt.isAsked { usleep(50_000) }
  }

  private static func tell(_ text: String, _ toldAt: inout ContinuousClock.Instant) {
    let now = ContinuousClock.now
    guard now - toldAt > .milliseconds(200) else { return }
    toldAt = now
    Terminal.progress("Reading the tangle: \(text)")
  }
}

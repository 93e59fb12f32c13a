import Ledger
import Synchronization

/// Tells the main thread once in a while how business goes, from a thread of its own: to add up a
/// ledger of a million payments takes longer than a payment should have to wait.
final class MetricsWatch {
  /// The share of the time that may be spent on it: where adding up takes long, it comes less often.
  private static let restFactor: Int64 = 100

  private let stopping: StopFlag
  private let thread: PlainThread?

  /// Begins at once.
  ///
  /// - Parameters:
  ///   - reader: Of the ledger; nobody else may use it until this has ended.
  ///   - intervalMs: How often to tell, in milliseconds; 0: never.
  ///   - shared: Where to tell, and where the reading stands.
  init(_ reader: TotalsReader, intervalMs: Int64, shared: SharedState) {
    let stopping = StopFlag()
    self.stopping = stopping
    guard intervalMs > 0 else {
      thread = nil
      return
    }
    nonisolated(unsafe) let reader = reader
    thread = PlainThread { MetricsWatch.run(reader, intervalMs, shared, stopping) }
    if thread == nil { shared.log.write(.warning, "no metrics are told: \(noThread)") }
  }

  /// Ends it, at once.
  func stop() {
    stopping.set()
    thread?.join()
  }

  private static func run(
    _ reader: TotalsReader, _ intervalMs: Int64, _ shared: SharedState, _ stopping: StopFlag
  ) {
    let problems = Problems(log: shared.log)
    while !stopping.isSet {
      let beganAtMs = SharedClock.monotonicMs()
      problems.attempt("ledger's totals") {
        let totals = try reader.totals(nowMs: shared.clock.nowMs) { stopping.isSet }
        if let totals { tell(totals, shared) }
      }
      let tookMs = SharedClock.monotonicMs() - beganAtMs
      stopping.wait(timeoutMs: max(intervalMs - tookMs, tookMs * restFactor))
    }
  }

  private static func tell(_ totals: LedgerTotals, _ shared: SharedState) {
    let lagMs = shared.reading.lagMs(atMs: SharedClock.monotonicMs())
    let metrics = Metrics(
      totals: totals, lagMs: lagMs, nodeErrors: shared.reading.failures)
    shared.exchange.notices.add(.metrics(metrics))
  }
}

/// Says that a thread has to end, and wakes it.
private final class StopFlag: Sendable {
  private let flag = Atomic(false)
  private let event = Event()

  var isSet: Bool { flag.load(ordering: .acquiring) }

  func set() {
    flag.store(true, ordering: .releasing)
    event.signal()
  }

  func wait(timeoutMs: Int64) {
    event.wait(timeoutMs: timeoutMs)
  }
}

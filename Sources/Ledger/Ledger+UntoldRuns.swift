import GRDB
import PaywallCore

extension Ledger {
  /// A run of the broker for as long as no node has told it the tangle's time.
  ///
  /// It served by the wall clock, so when it was, and whether that clock was right, shows at a later
  /// start only, by the monotonic clock: where that was set anew meanwhile, it counts as an outage.
  public struct UntoldRun: Hashable, Sendable {
    /// When it began, by the monotonic clock, in milliseconds.
    public var startedAtMs: Int64
    /// When it was last known to go on, likewise.
    public var aliveAtMs: Int64
    /// What it added to the monotonic clock to get the tangle's time, in milliseconds.
    public var offsetMs: Int64

    /// A run by its times and its clock.
    public init(startedAtMs: Int64, aliveAtMs: Int64, offsetMs: Int64) {
      self.startedAtMs = startedAtMs
      self.aliveAtMs = aliveAtMs
      self.offsetMs = offsetMs
    }

    fileprivate static let keyStart = "untold_run_"

    /// One that was noted; nil where the words make no sense.
    fileprivate init?(key: String, value: String) {
      let numbers = value.split(separator: " ").compactMap { Int64($0) }
      guard let startedAtMs = Int64(key.dropFirst(Self.keyStart.count)), numbers.count == 2
      else { return nil }
      self.init(startedAtMs: startedAtMs, aliveAtMs: numbers[0], offsetMs: numbers[1])
    }

    /// When it was, by a clock that knows the tangle's time; nil where it served by another time.
    fileprivate func span(offsetMs knownMs: Int64) -> Span? {
      let (errorMs, overflow) = offsetMs.subtractingReportingOverflow(knownMs)
      guard !overflow, errorMs.magnitude <= UInt64(Loss.ordinaryDelayMs) else { return nil }
      let (start, startOverflow) = startedAtMs.addingReportingOverflow(knownMs)
      let (end, endOverflow) = aliveAtMs.addingReportingOverflow(knownMs)
      guard !startOverflow, !endOverflow, start < end else { return nil }
      return Span(startsAtMs: start, endsAtMs: end)
    }
  }

  /// Notes that the broker runs without knowing the tangle's time yet.
  ///
  /// Nothing is noted once `endOutage` was called.
  ///
  /// - Parameter run: The run so far; its start names it.
  /// - Throws: `LedgerError`.
  public func noteAlive(_ run: UntoldRun) throws(LedgerError) {
    guard !isOutageOver else { return }
    try write { db in
      try Prepared("INSERT OR REPLACE INTO meta VALUES (?, ?)", db)
        .run(
          .text("\(UntoldRun.keyStart)\(run.startedAtMs)"),
          .text("\(run.aliveAtMs) \(run.offsetMs)"))
    }
  }

  /// Takes the runs that were noted out of the ledger.
  ///
  /// - Parameters:
  ///   - offsetMs: What is known now to be the tangle's time less the monotonic clock; nil: it is not
  ///     known.
  ///   - db: The ledger, within a transaction.
  /// - Returns: When they were, where they served by the tangle's time.
  /// - Throws: `DatabaseError`.
  static func takeUntoldRuns(offsetMs: Int64?, _ db: Database) throws -> [Span] {
    var spans: [Span] = []
    let pattern = Prepared.Value.text("\(UntoldRun.keyStart)*")
    try Prepared("SELECT key, value FROM meta WHERE key GLOB ?", db).forEach(pattern) { row in
      if let offsetMs, let key = row.text(0), let value = row.text(1),
        let span = UntoldRun(key: key, value: value)?.span(offsetMs: offsetMs)
      {
        spans.append(span)
      }
      return true
    }
    try Prepared("DELETE FROM meta WHERE key GLOB ?", db).run(pattern)
    return spans
  }
}

import GRDB
public import PaywallCore

extension Ledger {
  /// What the seller's terms are beside prices.
  public struct Terms: Hashable, Sendable {
    /// Whether bought time that could not be used is made good.
    public var makesGood: Bool
    /// How long a payment that is in no checkpoint yet may give access, in milliseconds; 0: not at
    /// all.
    public var provisionalMs: Int64
    /// Payments from this time on may be made good: those that are younger than the ledger.
    var madeGoodSinceMs: Int64?

    /// Terms of the given parts.
    public init(makesGood: Bool = false, provisionalMs: Int64 = 0) {
      self.makesGood = makesGood
      self.provisionalMs = provisionalMs
    }
  }

  /// What was made good after an outage.
  public struct Outage: Hashable, Sendable {
    /// When the broker was down.
    public var span: Span
    /// Who got time for it, by their names inside the broker.
    public var accounts: Set<Username> = []
    /// How much in all, in milliseconds.
    public var madeGoodMs: Int64 = 0
  }

  private static let aliveKey = "alive_at"

  /// When the broker was last known to run, before this time; nil where that is not known.
  static func lastAlive(_ db: Database) throws -> Int64? {
    try meta(aliveKey, db).flatMap(Int64.init)
  }

  /// Notes that the broker runs, so that the next start can tell for how long it did not.
  ///
  /// Nothing is noted before `endOutage` was called.
  ///
  /// - Parameter nowMs: The tangle's time.
  /// - Throws: `LedgerError`.
  public func noteAlive(nowMs: Int64) throws(LedgerError) {
    guard isOutageOver else { return }
    try write { try Self.noteAlive(nowMs: nowMs, $0) }
  }

  static func noteAlive(nowMs: Int64, _ db: Database) throws {
    try Prepared("INSERT OR REPLACE INTO meta VALUES (?, ?)", db)
      .run(.text(aliveKey), .text("\(nowMs)"))
  }

  /// Ends the time since the broker ran last, and makes good what was bought and ran meanwhile.
  ///
  /// Once for each start. Payments that were recorded since the start are left aside.
  ///
  /// - Parameters:
  ///   - startMs: Since when the broker runs again, in Unix milliseconds of the tangle's time.
  ///   - nowMs: The tangle's time, before which nothing is given; nil: that of the start.
  ///   - offsetMs: The tangle's time less the monotonic clock, by which runs that knew no time are
  ///     told; nil: they are not.
  ///   - terms: Whether anything is made good.
  /// - Returns: What was made good of each outage; none where the broker was not down for longer than
  ///   a restart takes.
  /// - Throws: `LedgerError`; then it can be tried again.
  public func endOutage(
    atMs startMs: Int64, nowMs: Int64? = nil, offsetMs: Int64? = nil, terms: Terms
  ) throws(LedgerError) -> [Outage] {
    guard !isOutageOver else { return [] }
    let bornAtMs = try bornAtMs()
    let versions = try offerVersions()
    let outages = try write { db -> [Outage] in
      let aliveMs = try Self.lastAlive(db)
      let runs = try Self.takeUntoldRuns(offsetMs: offsetMs, db)
      try Self.noteAlive(nowMs: startMs, db)
      guard let aliveMs, terms.makesGood else { return [] }
      return try Self.outages(fromMs: aliveMs, untilMs: startMs, besides: runs).map { span in
        var outage = Outage(span: span)
        for purchase in try Self.running(in: span, db) {
          let loss = Loss(
            purchase: purchase, versions: versions, nowMs: max(startMs, nowMs ?? startMs), db: db)
          let givenMs = try loss.makeGood(span, paidSinceMs: bornAtMs)
          guard givenMs > 0 else { continue }
          outage.accounts.insert(purchase.account)
          let (sum, overflow) = outage.madeGoodMs.addingReportingOverflow(givenMs)
          outage.madeGoodMs = overflow ? .max : sum
        }
        return outage
      }
    }
    isOutageOver = true
    return outages
  }

  /// When the broker was down within a time; never, where that was no longer than a restart takes.
  private static func outages(
    fromMs: Int64, untilMs: Int64, besides runs: [Span]
  ) -> [Span] {
    var spans: [Span] = []
    var lengthMs: Int64 = 0
    var reachedMs = fromMs
    for run in runs.sorted() + [Span(startsAtMs: untilMs, endsAtMs: untilMs)] {
      let endsAtMs = min(run.startsAtMs, untilMs)
      if reachedMs < endsAtMs {
        let (gapMs, overflow) = endsAtMs.subtractingReportingOverflow(reachedMs)
        // No clock tells such a time.
        guard !overflow else { return [] }
        spans.append(Span(startsAtMs: reachedMs, endsAtMs: endsAtMs))
        lengthMs += gapMs
      }
      reachedMs = max(reachedMs, run.endsAtMs)
    }
    return lengthMs > Loss.ordinaryDelayMs ? spans : []
  }

  /// Who had bought what, for a time that overlaps a span.
  private static func running(in span: Span, _ db: Database) throws -> Set<Purchase> {
    var purchases: Set<Purchase> = []
    let statement = try Prepared(
      """
      SELECT account, offer FROM grants INDEXED BY grants_by_end
      WHERE ends_at > ? AND starts_at < ? AND kind IN ('bought', 'made_good')
      """, db)
    try statement.forEach(.integer(span.startsAtMs), .integer(span.endsAtMs)) { row in
      if let account = row.bytes(0), let offer = row.bytes(1).flatMap({ Name($0) }) {
        purchases.insert(Purchase(account: account, offer: offer))
      }
      return true
    }
    return purchases
  }
}

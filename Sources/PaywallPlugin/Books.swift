import Access
import Configuration
import Ledger
import PaywallCore
import Tangle

/// The clock by which the books are kept.
protocol BooksClock: AnyObject {
  /// Milliseconds since some moment of the past.
  var monotonicMs: Int64 { get }
  /// What to add to them to get the tangle's time.
  var offsetMs: Int64 { get }
  /// Whether the tangle's time is known, and not only that of the wall clock.
  var isSynchronized: Bool { get }
  /// Takes a payment's checkpoint.
  func take(past checkpoint: Checkpoint)
}

extension BooksClock {
  /// The tangle's time, in Unix milliseconds.
  var nowMs: Int64 { monotonicMs &+ offsetMs }
}

/// The ledger as the watcher keeps it, and what of it is handed over to the main thread.
///
/// Nothing here waits for a node, starts a thread or looks at a clock of its own: the simulation keeps
/// the same books by pages and clocks that it makes up.
struct Books {
  let ledger: Ledger
  private(set) var configuration: PaywallConfiguration
  private(set) var history: OfferHistory
  private var view: AccessView
  private var logins: LoginView
  private let clock: any BooksClock
  /// Since when the broker runs, and its clock then; nil once its outage before was looked at.
  private var started: (monotonicMs: Int64, offsetMs: Int64)?

  /// Takes over a configuration and hands over everything, as when the broker starts.
  ///
  /// - Throws: As `Ledger.apply`.
  init(
    ledger: Ledger, _ configuration: PaywallConfiguration, view: AccessView, logins: LoginView,
    clock: any BooksClock
  ) throws {
    self.ledger = ledger
    self.configuration = configuration
    self.view = view
    self.logins = logins
    self.clock = clock
    // A clock that is behind must not undo what was in force.
    let nowMs = max(clock.nowMs, try ledger.settledUntilMs() ?? .min)
    history = try Self.state(configuration, in: ledger, nowMs: nowMs)
    try ledger.discardChanges()
    try self.view.handOver(configuration, nowMs: clock.nowMs)
    try self.logins.update()
    started = (clock.monotonicMs, clock.offsetMs)
  }

  // MARK: - Payments

  /// Where reading stands.
  var position: ReadingPosition {
    get throws(LedgerError) {
      let tangle = configuration.tangle
      return try ledger.position(
        network: tangle.network, address: tangle.address, sinceMs: tangle.sinceMs)
    }
  }

  /// What the seller gives beside what is bought.
  ///
  /// By a wall clock that is wrong nobody knows what was lost.
  private var terms: Ledger.Terms {
    Ledger.Terms(
      makesGood: configuration.access.makesGood && clock.isSynchronized,
      provisionalMs: configuration.access.provisionalMs)
  }

  /// Makes a page durable.
  ///
  /// What was lost while the broker was down is made good before: else a payment that was pending then
  /// and is final now would be made good the same time twice.
  ///
  /// - Parameters:
  ///   - page: The page.
  ///   - open: Opens sealed memos.
  ///   - ended: Takes each outage that is made good now.
  /// - Returns: What has changed, to be handed over.
  /// - Throws: `LedgerError`, and what `ended` throws; then the page is not recorded.
  mutating func record(
    _ page: PaymentPage, open: @escaping ([UInt8]) -> BuyerClaim?,
    ended: (Ledger.Outage) throws -> Void
  ) throws -> Ledger.Recorded {
    try endOutage(ended)
    let tangle = configuration.tangle
    let recorded = try ledger.record(
      page, network: tangle.network, address: tangle.address, offers: history, terms: terms,
      nowMs: clock.nowMs, open: open)
    // Access that starts at a checkpoint has started: the clock knows it now.
    for payment in page.payments {
      if let checkpoint = payment.checkpoint { clock.take(past: checkpoint) }
    }
    return recorded
  }

  /// Hands over what a page has changed.
  ///
  /// - Throws: `LedgerError`; then `noticeAdmin` hands it over.
  mutating func handOver(_ recorded: Ledger.Recorded) throws(LedgerError) {
    logins.note(recorded.logins)
    try view.update(recorded.accounts, nowMs: clock.nowMs)
    // Afterwards: whoever gets in finds what was bought.
    try logins.update()
  }

  // MARK: - Time

  /// Whether the time since the broker ran last has been looked at.
  var isOutageOver: Bool { started == nil }

  /// Makes good what was bought and ran while the broker was down; once after the start, and once
  /// the tangle's time is known.
  ///
  /// - Parameter ended: Takes each outage, once it is handed over.
  /// - Throws: `LedgerError`, and what `ended` throws.
  mutating func endOutage(_ ended: (Ledger.Outage) throws -> Void) throws {
    guard let started, clock.isSynchronized else { return }
    let outages = try ledger.endOutage(
      atMs: started.monotonicMs &+ clock.offsetMs, nowMs: clock.nowMs, offsetMs: clock.offsetMs,
      terms: terms)
    self.started = nil
    for outage in outages {
      try view.update(outage.accounts, nowMs: clock.nowMs)
      try ended(outage)
    }
  }

  /// Notes that the broker runs, by its own time for as long as the tangle's is not known.
  func noteAlive() throws(LedgerError) {
    guard let started else { return try ledger.noteAlive(nowMs: clock.nowMs) }
    // By a clock that was set meanwhile it has not served all the while.
    guard clock.offsetMs == started.offsetMs else { return }
    try ledger.noteAlive(
      Ledger.UntoldRun(
        startedAtMs: started.monotonicMs, aliveAtMs: clock.monotonicMs,
        offsetMs: started.offsetMs))
  }

  /// Hands over what the clock alone has changed.
  mutating func followTime() throws(LedgerError) {
    try view.follow(nowMs: clock.nowMs)
    try view.refreshRules(configuration, nowMs: clock.nowMs)
  }

  /// Gives back memory, and has the WAL begin anew; once in a while.
  ///
  /// - Returns: Whether that was done; somebody's lock may hold it up, and then the WAL waits for the
  ///   next time.
  /// - Throws: `LedgerError`.
  mutating func tidy() throws(LedgerError) -> Bool {
    try view.forgetEnded(nowMs: clock.nowMs)
    do throws(LedgerError) {
      try noteAlive()
      try ledger.checkpoint()
      return true
    } catch {
      guard error.code == .busy else { throw error }
      return false
    }
  }

  // MARK: - The seller

  /// Hands over what another program, as an admin's `sqlite3`, has written to the ledger.
  ///
  /// - Returns: Whose access may have changed; nil: anybody's.
  /// - Throws: `LedgerError`; then the same is looked for next time.
  mutating func noticeAdmin() throws(LedgerError) -> Set<Username>? {
    let changed = try view.noticeAdmin(nowMs: clock.nowMs, logins: &logins)
    try logins.update()
    return changed
  }

  /// Takes over a configuration that was read again; `handOver()` follows.
  ///
  /// - Throws: As `Ledger.apply`; then the old one stays.
  mutating func takeOver(_ new: PaywallConfiguration) throws {
    history = try Self.state(new, in: ledger, nowMs: clock.nowMs)
    configuration = new
  }

  /// Has the ledger sell what a configuration states, from a time on.
  private static func state(
    _ configuration: PaywallConfiguration, in ledger: Ledger, nowMs: Int64
  ) throws -> OfferHistory {
    try ledger.apply(
      offers: configuration.offers, nowMs: nowMs,
      firstFromMs: configuration.tangle.sinceMs ?? ledger.bornAtMs())
  }

  /// Hands over the rules of the configuration, and what every account holds.
  mutating func handOver() throws(LedgerError) {
    try view.handOver(configuration, nowMs: clock.nowMs)
  }
}

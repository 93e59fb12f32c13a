import Access
import Configuration
import Ledger
import PaywallCore
import Tangle

/// The watcher: all that waits for disk or network happens here, on a thread of its own.
///
/// It reads payments into the ledger, notices what an admin writes there, reads the configuration
/// anew after a SIGHUP, and hands what has changed to the main thread.
final class Watcher {
  /// How often the ledger is looked at, and the longest wait, in milliseconds.
  private static let turnMs: Int64 = 500
  /// How often payments are read while nobody waits, in milliseconds.
  private static let idlePollMs: Int64 = 5000
  /// How often the WAL is checkpointed, in milliseconds.
  private static let tidyMs: Int64 = 60_000

  private static let firstClockSamples = 10
  /// From when a difference between the wall clock and the tangle's is told, in milliseconds.
  private static let skewLimitMs: Int64 = 5 * 60 * 1000

  private let shared: SharedState
  private let options: PluginOptions
  private let ledger: Ledger
  private var configuration: PaywallConfiguration
  private var history: OfferHistory
  private var view: AccessView
  private var clock: TangleClock
  private var source: any PaymentSource
  private let problems: Problems
  private var lastPollAtMs: Int64?
  private var clockReadAtMs: Int64?
  private var clockSamples = 0
  private var tidiedAtMs: Int64
  /// A SIGHUP that has not been carried out yet.
  private var isReloadLeft = false

  init(
    shared: SharedState, options: PluginOptions, configuration: PaywallConfiguration,
    ledger: Ledger, history: OfferHistory, view: AccessView, clock: TangleClock
  ) throws {
    self.shared = shared
    self.options = options
    self.configuration = configuration
    self.ledger = ledger
    self.history = history
    self.view = view
    self.clock = clock
    source = Self.source(configuration.tangle, log: shared.log)
    shared.use(source)
    problems = Problems(log: shared.log)
    tidiedAtMs = SharedClock.monotonicMs()
  }

  /// The source of payments that a configuration asks for.
  static func source(
    _ tangle: PaywallConfiguration.Tangle, log: LogQueue
  ) -> any PaymentSource {
    switch tangle.protocol {
    case .rebasedJSONRPC:
      RebasedJSONRPCSource(
        nodes: tangle.nodes.map { NodeAddress(url: $0) }, network: tangle.network,
        address: tangle.address, warn: { log.write(.warning, $0) })
    }
  }

  /// What the watcher does until it is told to stop.
  func run() {
    let damageWatch = DamageWatch(ledger: ledger.path, log: shared.log)
    while !shared.signals.isStopping {
      if shared.signals.takeReload() || isReloadLeft { reload() }
      noticeAdmin()
      if isPollDue { poll() }
      followTime()
      tidy()
      shared.signals.wait(timeoutMs: min(Self.turnMs, max(0, nextPollAtMs - now)))
    }
    damageWatch.stop()
    problems.attempt("ledger") { try ledger.checkpoint() }
    ledger.close()
  }

  // MARK: - Payments

  private var now: Int64 { SharedClock.monotonicMs() }

  private var nextPollAtMs: Int64 {
    guard let lastPollAtMs else { return now }
    let isWaitedFor =
      shared.signals.isDemanded(nowMs: now)
      || (try? ledger.hasPendingPayments(sinceMs: shared.clock.nowMs - WatcherSignals.demandMs))
        ?? false
    return lastPollAtMs + (isWaitedFor ? configuration.tangle.pollMs : Self.idlePollMs)
  }

  private var isPollDue: Bool { nextPollAtMs <= now }

  private func poll() {
    lastPollAtMs = now
    let tangle = configuration.tangle
    problems.attempt("tangle") {
      try source.readPayments(
        after: ledger.position(
          network: tangle.network, address: tangle.address, sinceMs: tangle.sinceMs),
        isKnown: { try ledger.isKnown($0) },
        record: { page in
          try record(page)
          // A long history takes many pages; an admin's word is not to wait for all of them.
          noticeAdmin()
        })
    }
    // Afterwards: where the question fails the node rests, and the payments are read already.
    problems.attempt("tangle's clock") { try readClock() }
  }

  /// Samples the tangle's clock: a few times after the start, for each sample is late by a part of
  /// the time between checkpoints, then seldom.
  private func readClock() throws {
    let isFresh = clockSamples < Self.firstClockSamples
    guard isFresh || now >= (clockReadAtMs ?? 0) + Self.tidyMs else { return }
    let checkpoint = try source.latestCheckpoint()
    clock.observe(newest: checkpoint, monotonicMs: now)
    shared.clock.set(offsetMs: clock.offsetMs)
    clockSamples += 1
    clockReadAtMs = now
    sayWhereWallClockIsWrong()
  }

  /// Says once that the wall clock and the tangle's differ by more than can be the network's delay.
  private func sayWhereWallClockIsWrong() {
    problems.attempt("clock") {
      let skewMs = clock.skewMs(wallMs: SharedClock.wallMs(), monotonicMs: now)
      guard abs(skewMs) > Self.skewLimitMs else { return }
      throw ClockSkew(isWallLate: skewMs > 0)
    }
  }

  private func record(_ page: PaymentPage) throws {
    let tangle = configuration.tangle
    let recorded = try ledger.record(
      page, network: tangle.network, address: tangle.address, offers: history,
      nowMs: shared.clock.nowMs)
    // Access that starts at a checkpoint has started: the clock knows it now.
    for payment in page.payments {
      if let checkpoint = payment.checkpoint { clock.observe(past: checkpoint, monotonicMs: now) }
    }
    shared.clock.set(offsetMs: clock.offsetMs)
    for outcome in recorded.outcomes { shared.log.write(.notice, PaymentLine.describe(outcome)) }
    try view.update(recorded.accounts, nowMs: shared.clock.nowMs)
  }

  // MARK: - Admin

  /// Takes over what another program, as an admin's `sqlite3`, has written to the ledger.
  private func noticeAdmin() {
    problems.attempt("ledger's changes") {
      try view.noticeAdmin(nowMs: shared.clock.nowMs)
    }
  }

  private func followTime() {
    problems.attempt("ledger's rules") {
      try view.follow(nowMs: shared.clock.nowMs)
      try view.refreshRules(configuration, nowMs: shared.clock.nowMs)
    }
  }

  /// Reads the configuration anew; a bad one changes nothing.
  private func reload() {
    if !isReloadLeft { problems.forget("configuration") }
    isReloadLeft = false
    problems.attempt("configuration") {
      let new = try ConfigurationFile.load(path: options.configurationPath)
      try checkFixedParts(new)
      let newSource = Self.source(new.tangle, log: shared.log)
      let nowMs = shared.clock.nowMs
      do {
        history = try ledger.apply(offers: new.offers, nowMs: nowMs, firstFromMs: nowMs)
      } catch let error as LedgerError where error.code == .busy {
        // An admin's shell holds a lock; the SIGHUP is not forgotten.
        isReloadLeft = true
        throw error
      }
      configuration = new
      source = newSource
      shared.use(source)
      lastPollAtMs = nil
      try view.handOver(new, nowMs: nowMs)
      shared.log.write(.notice, "\(options.configurationPath) was read again")
    }
  }

  /// What an open ledger cannot change under a running broker.
  private func checkFixedParts(_ new: PaywallConfiguration) throws(StartError) {
    let isSame =
      new.ledger == configuration.ledger && new.secretFile == configuration.secretFile
      && new.realm == configuration.realm
    guard isSame else {
      throw StartError(
        "\(options.configurationPath): ledger, secret_file and realm change only when the broker "
          + "is restarted; the configuration stays as it was")
    }
  }

  private func tidy() {
    shared.changes.freeApplied()
    guard now >= tidiedAtMs + Self.tidyMs else { return }
    tidiedAtMs = now
    problems.attempt("ledger") {
      try view.forgetEnded(nowMs: shared.clock.nowMs)
      do throws(LedgerError) {
        try ledger.checkpoint()
      } catch {
        // A reader may hold it up; then the WAL waits for the next time.
        guard error.code == .busy else { throw error }
      }
    }
  }
}

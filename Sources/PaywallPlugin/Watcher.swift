import Access
import CMalloc
import Configuration
import IOTACrypto
import Ledger
import PaywallCore
import Setup
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

  /// From how many payments on the memory that reading took is given back, up to 20 MB.
  private static let backlogCount = 1000
  /// How long payments wait for the tangle's time at first, in milliseconds.
  private static let synchronizeMs: Int64 = 1000

  /// How often an admin's changes are looked for while a node keeps the watcher waiting.
  private static let waitingTurnMs: Int64 = 250

  private let shared: SharedState
  private let options: PluginOptions
  private let masterKey: MasterKey
  private let ledger: Ledger
  private var configuration: PaywallConfiguration
  private var history: OfferHistory
  private var view: AccessView
  private var logins: LoginView
  private var watched: WatchedAccounts
  private var told: OffersTold
  private let clock: ClockReader
  private let wait = Wait()
  private var source: any PaymentSource
  private let problems: Problems
  private var metricsWatch: MetricsWatch?
  private var progress = ReadingProgress()
  private var lastPollAtMs: Int64?
  private var noticedAtMs: Int64 = .min
  private var tidiedAtMs: Int64
  /// Since when the broker runs, and its clock then; nil once its outage before was looked at.
  private var started: (monotonicMs: Int64, offsetMs: Int64)?
  /// A SIGHUP that has not been carried out yet.
  private var isReloadLeft = false

  init(
    shared: SharedState, options: PluginOptions, configuration: PaywallConfiguration,
    masterKey: MasterKey, ledger: Ledger, history: OfferHistory, view: AccessView,
    logins: LoginView, clock: ClockReader
  ) throws {
    self.shared = shared
    self.options = options
    self.configuration = configuration
    self.masterKey = masterKey
    self.ledger = ledger
    self.history = history
    self.view = view
    self.logins = logins
    self.clock = clock
    watched = WatchedAccounts(ledger: ledger, exchange: shared.exchange)
    told = OffersTold(exchange: shared.exchange)
    // What the source keeps may not keep the source, which `shared` does.
    source = Self.source(
      configuration.tangle, log: shared.log,
      failed: { [reading = shared.reading] in reading.failed() }
    ) { [wait] in wait.goesOn() }
    shared.use(source)
    problems = Problems(log: shared.log)
    tidiedAtMs = SharedClock.monotonicMs()
    started = (tidiedAtMs, clock.clock.offsetMs)
    wait.watcher = self
    told.update(configuration, history, nowMs: clock.nowMs)
  }

  /// What the watcher does until it is told to stop.
  func run() {
    let damageWatch = DamageWatch(ledger: ledger.files, log: shared.log)
    tellMetrics()
    while !shared.signals.isStopping {
      if shared.signals.takeReload() || isReloadLeft { reload() }
      noticeAdmin()
      if isPollDue { poll() }
      endOutage()
      followTime()
      tell()
      tidy()
      let timeoutMs = watched.hasRequests ? 10 : min(Self.turnMs, max(0, nextPollAtMs - now))
      shared.signals.wait(timeoutMs: timeoutMs)
    }
    metricsWatch?.stop()
    damageWatch.stop()
    problems.attempt("ledger") {
      try noteAlive()
      try ledger.checkpoint()
    }
    ledger.close()
  }

  /// Has numbers told as often as is configured.
  private func tellMetrics() {
    metricsWatch?.stop()
    metricsWatch = MetricsWatch(
      ledger: ledger.files, intervalMs: configuration.metrics.intervalMs, shared: shared)
  }

  // MARK: - Payments

  private var now: Int64 { SharedClock.monotonicMs() }

  private var nextPollAtMs: Int64 {
    guard let lastPollAtMs else { return now }
    let isWaitedFor =
      clock.isUnsettled || shared.signals.isDemanded(nowMs: now)
      || (try? ledger.hasPendingPayments(sinceMs: shared.clock.nowMs - WatcherSignals.demandMs))
        ?? false
    return lastPollAtMs + (isWaitedFor ? configuration.tangle.pollMs : Self.idlePollMs)
  }

  private var isPollDue: Bool { nextPollAtMs <= now }

  private func poll() {
    if lastPollAtMs == nil { synchronize() }
    lastPollAtMs = now
    let tangle = configuration.tangle
    progress.begin(atMs: now)
    var count = 0
    problems.attempt("tangle") {
      try source.readPayments(
        after: ledger.position(
          network: tangle.network, address: tangle.address, sinceMs: tangle.sinceMs),
        isKnown: { digest in
          say(progress.saw(atMs: now))
          return try ledger.isKnown(digest)
        },
        record: { page in
          try record(page)
          say(progress.recorded(page, atMs: now))
          count += page.payments.count
          // A long history takes many pages; an admin's word is not to wait for all of them.
          noticeAdmin()
        })
      say(progress.finish())
      shared.reading.completed(atMs: now)
    }
    // Afterwards: where the question fails the node rests, and the payments are read already.
    problems.attempt("tangle's clock") { try readClock() }
    if count >= Self.backlogCount {
      problems.attempt("ledger") { try ledger.releaseMemory() }
      malloc_trim(0)
    }
  }

  private func say(_ line: String?) {
    if let line { shared.log.write(.notice, line) }
  }

  private func readClock() throws {
    guard clock.isDue else { return }
    defer { shared.clock.set(offsetMs: clock.clock.offsetMs) }
    try clock.read(from: source)
    problems.attempt("clock") { try ClockSkew.check(skewMs: clock.skewMs) }
  }

  private func record(_ page: PaymentPage) throws {
    let tangle = configuration.tangle
    let recorded = try ledger.record(
      page, network: tangle.network, address: tangle.address, offers: history, terms: terms,
      nowMs: shared.clock.nowMs, open: masterKey.open)
    // Access that starts at a checkpoint has started: the clock knows it now.
    for payment in page.payments {
      if let checkpoint = payment.checkpoint { clock.take(past: checkpoint) }
    }
    shared.clock.set(offsetMs: clock.clock.offsetMs)
    for outcome in recorded.outcomes { shared.log.write(.notice, PaymentLine.describe(outcome)) }
    logins.note(recorded.logins)
    try view.update(recorded.accounts, nowMs: shared.clock.nowMs)
    // Afterwards: whoever gets in finds what was bought.
    try logins.update()
    try watched.tell(of: recorded.outcomes, nowMs: shared.clock.nowMs)
    try watched.look(at: recorded.accounts, nowMs: shared.clock.nowMs)
  }

  /// What the seller gives beside what is bought.
  ///
  /// By a wall clock that is wrong nobody knows what was lost.
  private var terms: Ledger.Terms {
    Ledger.Terms(
      makesGood: configuration.access.makesGood && clock.isSynchronized,
      provisionalMs: configuration.access.provisionalMs)
  }

  /// Has the tangle's time known before payments are read for the first time, if nodes tell it soon.
  private func synchronize() {
    problems.attempt("tangle's clock") {
      defer { shared.clock.set(offsetMs: clock.clock.offsetMs) }
      try clock.synchronize(from: source, withinMs: Self.synchronizeMs)
    }
    endOutage()
  }

  /// Makes good what was bought and ran while the broker was down; once after the start, and once
  /// the tangle's time is known.
  private func endOutage() {
    guard let started, clock.isSynchronized else { return }
    problems.attempt("time that was lost") {
      let offsetMs = clock.clock.offsetMs
      let outages = try ledger.endOutage(
        atMs: started.monotonicMs &+ offsetMs, nowMs: clock.nowMs, offsetMs: offsetMs, terms: terms)
      self.started = nil
      for outage in outages {
        shared.log.write(.notice, PaymentLine.describe(outage))
        try view.update(outage.accounts, nowMs: shared.clock.nowMs)
        try watched.look(at: outage.accounts, nowMs: shared.clock.nowMs)
      }
    }
  }

  /// Notes that the broker runs, by its own time for as long as the tangle's is not known.
  private func noteAlive() throws(LedgerError) {
    guard let started else { return try ledger.noteAlive(nowMs: shared.clock.nowMs) }
    // By a clock that was set meanwhile it has not served all the while.
    guard clock.clock.offsetMs == started.offsetMs else { return }
    try ledger.noteAlive(
      Ledger.UntoldRun(
        startedAtMs: started.monotonicMs, aliveAtMs: now, offsetMs: started.offsetMs))
  }

  // MARK: - Admin

  /// Takes over what another program, as an admin's `sqlite3`, has written to the ledger.
  private func noticeAdmin() {
    noticedAtMs = now
    problems.attempt("ledger's changes") {
      let nowMs = shared.clock.nowMs
      let changed = try view.noticeAdmin(nowMs: nowMs, logins: &logins)
      try logins.update()
      guard let changed else { return try watched.lookAtAll(nowMs: nowMs) }
      try watched.look(at: changed, nowMs: nowMs)
    }
    tell()
  }

  // MARK: - Clients

  /// Tells clients what they have asked, and what has changed by the clock.
  private func tell() {
    told.follow(configuration, history, nowMs: shared.clock.nowMs)
    problems.attempt("ledger's accounts") {
      try watched.takeRequests(nowMs: shared.clock.nowMs)
      try watched.follow(nowMs: shared.clock.nowMs)
    }
  }

  /// Does between two looks at a request what cannot wait for its end.
  ///
  /// Nothing of the ledger is in use then: no request is sent within a transaction.
  ///
  /// - Returns: Whether to go on waiting; a SIGHUP may change which node to wait for.
  func goesOnWaiting() -> Bool {
    if now >= noticedAtMs &+ Self.waitingTurnMs { noticeAdmin() }
    return !shared.signals.isReloading
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
      do {
        try takeOver(try ConfigurationFile.load(path: options.configurationPath))
      } catch let error as LedgerError {
        // An admin's shell holds a lock: the SIGHUP is not forgotten.
        isReloadLeft = error.code == .busy
        throw StartError("\(options.configurationPath) cannot be taken over yet: \(error)")
      }
    }
  }

  private func takeOver(_ new: PaywallConfiguration) throws {
    try checkFixedParts(new)
    let newSource = Self.source(
      new.tangle, log: shared.log, failed: { [reading = shared.reading] in reading.failed() }
    ) { [wait] in wait.goesOn() }
    let nowMs = shared.clock.nowMs
    history = try ledger.apply(
      offers: new.offers, nowMs: nowMs, firstFromMs: new.tangle.sinceMs ?? ledger.bornAtMs())
    let isIntervalKept = configuration.metrics.intervalMs == new.metrics.intervalMs
    configuration = new
    if !isIntervalKept { tellMetrics() }
    source = newSource
    shared.use(source)
    clock.use(agree: new.tangle.agree)
    lastPollAtMs = nil
    told.update(new, history, nowMs: nowMs)
    try view.handOver(new, nowMs: nowMs)
    shared.log.write(.notice, "\(options.configurationPath) was read again")
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
        try noteAlive()
        try ledger.checkpoint()
      } catch {
        // Somebody's lock may hold it up; then the WAL waits for the next time.
        guard error.code == .busy else { throw error }
      }
    }
  }
}

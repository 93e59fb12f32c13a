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
  private var books: Books
  private var watched: WatchedAccounts
  private var told: OffersTold
  private let clock: ClockReader
  private let wait = Wait()
  private var source: any PaymentSource
  private let problems: Problems
  /// Both are opened before the broker serves: later it may have no file left to open.
  private let check: LedgerCheck
  private let totals: TotalsReader
  private var metricsWatch: MetricsWatch?
  private var progress = ReadingProgress()
  private var lastPollAtMs: Int64?
  private var noticedAtMs: Int64 = .min
  private var tidiedAtMs: Int64
  /// A SIGHUP that has not been carried out yet.
  private var isReloadLeft = false

  init(
    shared: SharedState, options: PluginOptions, masterKey: MasterKey, books: Books,
    clock: ClockReader
  ) throws {
    self.shared = shared
    self.options = options
    self.masterKey = masterKey
    self.books = books
    self.clock = clock
    watched = WatchedAccounts(ledger: books.ledger, exchange: shared.exchange)
    told = OffersTold(exchange: shared.exchange)
    // What the source keeps may not keep the source, which `shared` does.
    source = Self.source(
      books.configuration.tangle, log: shared.log,
      failed: { [reading = shared.reading] in reading.failed() }
    ) { [wait] in wait.goesOn() }
    shared.use(source)
    let ledger = books.ledger
    check = try LedgerCheck(path: ledger.path, files: ledger.files)
    totals = try TotalsReader(path: ledger.path, files: ledger.files)
    problems = Problems(log: shared.log)
    tidiedAtMs = SharedClock.monotonicMs()
    wait.watcher = self
    told.update(books.configuration, books.history, nowMs: clock.nowMs)
  }

  private var ledger: Ledger { books.ledger }
  private var configuration: PaywallConfiguration { books.configuration }

  /// What the watcher does until it is told to stop.
  func run() {
    let damageWatch = DamageWatch(check, path: ledger.path, log: shared.log)
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
    totals.close()
    damageWatch.stop()
    problems.attempt("ledger") {
      try books.noteAlive()
      try ledger.checkpoint()
    }
    ledger.close()
  }

  /// Has numbers told as often as is configured.
  private func tellMetrics() {
    metricsWatch?.stop()
    metricsWatch = MetricsWatch(
      totals, intervalMs: configuration.metrics.intervalMs, shared: shared)
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
    progress.begin(atMs: now)
    var count = 0
    problems.attempt("tangle") {
      try source.readPayments(
        after: books.position,
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
    defer { shared.clock.set(offsetMs: clock.offsetMs) }
    try clock.read(from: source)
    problems.attempt("clock") { try ClockSkew.check(skewMs: clock.skewMs) }
  }

  private func record(_ page: PaymentPage) throws {
    let recorded = try books.record(page, open: masterKey.open, ended: tell(of:))
    shared.clock.set(offsetMs: clock.offsetMs)
    for outcome in recorded.outcomes { shared.log.write(.notice, PaymentLine.describe(outcome)) }
    try books.handOver(recorded)
    try watched.tell(of: recorded.outcomes, nowMs: shared.clock.nowMs)
    try watched.look(at: recorded.accounts, nowMs: shared.clock.nowMs)
  }

  /// Has the tangle's time known before payments are read for the first time, if nodes tell it soon.
  private func synchronize() {
    problems.attempt("tangle's clock") {
      defer { shared.clock.set(offsetMs: clock.offsetMs) }
      try clock.synchronize(from: source, withinMs: Self.synchronizeMs)
    }
    endOutage()
  }

  /// Makes good what was bought and ran while the broker was down.
  private func endOutage() {
    guard !books.isOutageOver, clock.isSynchronized else { return }
    problems.attempt("time that was lost") {
      try books.endOutage(tell(of:))
    }
  }

  private func tell(of outage: Ledger.Outage) throws {
    shared.log.write(.notice, PaymentLine.describe(outage))
    try watched.look(at: outage.accounts, nowMs: shared.clock.nowMs)
  }

  // MARK: - Admin

  /// Takes over what another program, as an admin's `sqlite3`, has written to the ledger.
  private func noticeAdmin() {
    noticedAtMs = now
    problems.attempt("ledger's changes") {
      let nowMs = shared.clock.nowMs
      guard let changed = try books.noticeAdmin() else {
        return try watched.lookAtAll(nowMs: nowMs)
      }
      try watched.look(at: changed, nowMs: nowMs)
    }
    tell()
  }

  // MARK: - Clients

  /// Tells clients what they have asked, and what has changed by the clock.
  private func tell() {
    told.follow(configuration, books.history, nowMs: shared.clock.nowMs)
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
      try books.followTime()
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
    let isIntervalKept = configuration.metrics.intervalMs == new.metrics.intervalMs
    try books.takeOver(new)
    if !isIntervalKept { tellMetrics() }
    source = newSource
    shared.use(source)
    clock.use(agree: new.tangle.agree)
    lastPollAtMs = nil
    told.update(new, books.history, nowMs: shared.clock.nowMs)
    try books.handOver()
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
      _ = try books.tidy()
    }
  }
}

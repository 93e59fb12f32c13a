import GRDB
import PaywallCore
import TestSupport

@testable import Access
@testable import Configuration
@testable import Ledger
@testable import PaywallPlugin

/// The plugin between two starts of its broker: what `Startup` and `Watcher` do, in their order, by
/// clocks and pages that the simulation gives, on one thread.
final class SimulatedPlugin {
  static let network = "6364aad5"
  static let address = Address(Bytes32.zero)

  let ledger: Ledger
  let table: AccessTable
  private(set) var clock: TangleClock
  private let changes = ChangeQueue()
  private var configuration: PaywallConfiguration
  private var history: OfferHistory
  private var view: AccessView
  private var logins: LoginView
  private var started: (monotonicMs: Int64, offsetMs: Int64)?
  private let startedAtMs: Int64
  let sabotage: Sabotage?
  private let memory: SimulatedMemory
  /// Whether the main thread is too busy to take what is handed over before the turn's end.
  var isBusy = false
  var clients = SimulatedClients()

  /// Opens the ledger, as when the broker starts.
  init(
    path: String, _ configuration: PaywallConfiguration, _ time: SimulatedTime,
    _ memory: SimulatedMemory, sabotage: Sabotage? = nil, probe: (inout TangleClock) -> Void
  ) throws {
    self.configuration = configuration
    self.sabotage = sabotage
    self.memory = memory
    clock = TangleClock(wallMs: time.wallMs, monotonicMs: time.monotonicMs)
    probe(&clock)
    let clockMs = time.monotonicMs + clock.offsetMs
    ledger = try Ledger(path: path, nowMs: min(clockMs, time.wallMs))
    // Nobody waits in a simulation, and tmpfs is durable anyway.
    try ledger.read { try $0.execute(sql: "PRAGMA busy_timeout = 0; PRAGMA synchronous = OFF") }
    if sabotage == .forgetfulStart {
      try ledger.read { try $0.execute(sql: "DELETE FROM grants WHERE kind = 'granted'") }
    }
    try ledger.bind(secretFingerprint: "simulated")
    history = try ledger.apply(
      offers: Self.entries(configuration, sabotage),
      nowMs: max(clockMs, ledger.settledUntilMs() ?? .min),
      firstFromMs: configuration.tangle.sinceMs ?? ledger.bornAtMs())
    let log = LogQueue()
    view = AccessView(
      ledger: ledger, changes: changes, log: log, leastSpare: memory.leastSpare,
      makeTable: memory.table)
    logins = LoginView(
      ledger: ledger, changes: changes, log: log, leastSpare: memory.leastSpare)
    table = AccessTable(changes: changes)
    try ledger.discardChanges()
    try view.handOver(configuration, nowMs: clockMs)
    try logins.update()
    started = (time.monotonicMs, clock.offsetMs)
    startedAtMs = time.monotonicMs
    takeChanges()
  }

  private static func entries(
    _ configuration: PaywallConfiguration, _ sabotage: Sabotage?
  ) -> [OfferEntry] {
    guard sabotage == .forgottenAnnouncement else { return configuration.offers }
    return configuration.offers.filter { $0.fromMs == nil }
  }

  /// The tangle's time as the plugin tells it.
  func nowMs(_ time: SimulatedTime) -> Int64 { time.monotonicMs + clock.offsetMs }

  /// When it was started, by what it knows now of the tangle's time.
  var startMs: Int64 { startedAtMs + clock.offsetMs }

  /// Whether the tangle's time is known.
  func isSynchronized(_ time: SimulatedTime) -> Bool {
    clock.isSynchronized && !clock.isUnsettled(monotonicMs: time.monotonicMs)
  }

  /// Takes what a node says is the newest checkpoint.
  func observe(_ checkpoint: (sequence: Int64, timeMs: Int64), _ time: SimulatedTime) {
    clock.observe(
      newest: Checkpoint(sequence: checkpoint.sequence, timeMs: checkpoint.timeMs),
      wallMs: time.wallMs, monotonicMs: time.monotonicMs)
  }

  /// What the main thread does at each check: it takes what was handed over, some at a time.
  func takeChanges() {
    guard !isBusy else { return }
    repeat { table.applyChanges(limit: memory.changesPerTurn) } while table.isBehind
  }

  // MARK: - The watcher's turns

  /// Where reading stands.
  func position() throws -> ReadingPosition {
    try ledger.position(
      network: Self.network, address: Self.address, sinceMs: configuration.tangle.sinceMs)
  }

  func terms(_ time: SimulatedTime) -> Ledger.Terms {
    Ledger.Terms(
      makesGood: configuration.access.makesGood && isSynchronized(time),
      provisionalMs: configuration.access.provisionalMs)
  }

  /// Makes a page durable.
  func record(_ page: PaymentPage, _ time: SimulatedTime) throws -> Ledger.Recorded {
    var page = page
    if sabotage == .lostPayment { page.payments = page.payments.dropLast() }
    defer {
      if sabotage == .grownPurchase {
        try? ledger.read {
          try $0.execute(sql: "UPDATE grants SET ends_at = ends_at + 1 WHERE kind = 'bought'")
        }
      }
    }
    return try ledger.record(
      page, network: Self.network, address: Self.address, offers: history, terms: terms(time),
      nowMs: nowMs(time), open: PlainTransaction.open)
  }

  /// Hands over what a page has caused.
  func handOver(_ recorded: Ledger.Recorded, of page: PaymentPage, _ time: SimulatedTime) throws {
    for payment in page.payments {
      if let checkpoint = payment.checkpoint {
        clock.observe(past: checkpoint, monotonicMs: time.monotonicMs)
      }
    }
    logins.note(recorded.logins)
    if sabotage != .forgottenHandOver {
      try view.update(recorded.accounts, nowMs: nowMs(time))
    }
    try logins.update()
    takeChanges()
  }

  /// Makes good what ran while the broker was down.
  ///
  /// - Returns: Whether that was looked at now.
  func endOutage(_ time: SimulatedTime) throws -> Bool {
    guard let started, isSynchronized(time) else { return false }
    let outages = try ledger.endOutage(
      atMs: started.monotonicMs + clock.offsetMs, nowMs: nowMs(time), offsetMs: clock.offsetMs,
      terms: terms(time))
    self.started = nil
    for outage in outages { try view.update(outage.accounts, nowMs: nowMs(time)) }
    takeChanges()
    return true
  }

  private func noteAlive(_ time: SimulatedTime) throws {
    guard let started else { return try ledger.noteAlive(nowMs: nowMs(time)) }
    guard clock.offsetMs == started.offsetMs else { return }
    try ledger.noteAlive(
      Ledger.UntoldRun(
        startedAtMs: started.monotonicMs, aliveAtMs: time.monotonicMs, offsetMs: started.offsetMs))
  }

  func noticeAdmin(_ time: SimulatedTime) throws {
    _ = try view.noticeAdmin(nowMs: nowMs(time), logins: &logins)
    try logins.update()
    takeChanges()
  }

  func followTime(_ time: SimulatedTime) throws {
    try view.follow(nowMs: nowMs(time))
    try view.refreshRules(configuration, nowMs: nowMs(time))
    isBusy = false
    takeChanges()
  }

  /// Reads the configuration anew.
  func reload(_ new: PaywallConfiguration, _ time: SimulatedTime) throws {
    history = try ledger.apply(
      offers: Self.entries(new, sabotage), nowMs: nowMs(time),
      firstFromMs: new.tangle.sinceMs ?? ledger.bornAtMs())
    configuration = new
    clock.forgetNodes(agree: 1)
    try view.handOver(new, nowMs: nowMs(time))
    takeChanges()
  }

  func tidy(_ time: SimulatedTime) throws {
    changes.freeApplied()
    try view.forgetEnded(nowMs: nowMs(time))
    try noteAlive(time)
    try ledger.checkpoint()
    takeChanges()
  }

  func stop(_ time: SimulatedTime) {
    try? noteAlive(time)
    try? ledger.checkpoint()
    ledger.close()
  }

  // MARK: - What clients ask

  func mayRead(_ topic: String, _ account: String?, atMs timeMs: Int64) -> PlainAccess.Answer {
    if sabotage == .lateEnd, decide(topic, account, atMs: timeMs - 1) == .allow { return .allow }
    return decide(topic, account, atMs: timeMs)
  }

  private func decide(
    _ topic: String, _ account: String?, atMs timeMs: Int64
  ) -> PlainAccess.Answer {
    let decision = topic.withCString { topic in
      guard let account else { return table.mayRead(topic, username: nil, nowMs: { timeMs }) }
      return account.withCString { table.mayRead(topic, username: $0, nowMs: { timeMs }) }
    }
    return switch decision {
    case .allow: .allow
    case .deny: .deny
    case .defer: .defer
    }
  }

  func isLogin(_ name: String, _ password: String) -> Bool {
    table.isLogin(PlainTransaction.hash(Array(name.utf8), Array(password.utf8)))
  }
}

import CMosquittoPlugin
import GRDB
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport

@testable import Access
@testable import Configuration
@testable import Ledger
@testable import PaywallPlugin

/// The plugin between two starts of its broker: its callbacks, and the books that `Watcher` keeps, in
/// its order, by clocks and pages that the simulation gives, on one thread.
final class SimulatedPlugin {
  static let network = "6364aad5"
  static let address = Address(Bytes32.zero)
  /// How long a node may take to bear out a time that is far from the wall clock's, in milliseconds.
  private static let settleMs: Int64 = 2000

  let ledger: Ledger
  private let host: SimulatedHost
  private let shared: SharedState
  private let machine: SimulatedMachine
  private let clock: ClockReader
  private let mainThread = MainThreadClock()
  private var books: Books
  private let startedAtMs: Int64
  let sabotage: Sabotage?
  private let memory: SimulatedMemory
  /// Whether the main thread is too busy to take what is handed over before the turn's end.
  var isBusy = false
  /// How far the main thread's monotonic clock is ahead: in each turn everybody's turn comes.
  private var aheadMs: Int64 = 0

  /// Opens the ledger, as when the broker starts.
  init(
    path: String, _ configuration: PaywallConfiguration, _ time: SimulatedTime,
    _ memory: SimulatedMemory, isBrokerNewer: Bool, isNodeUp: Bool,
    sabotage: Sabotage? = nil
  ) throws {
    self.sabotage = sabotage
    self.memory = memory
    machine = SimulatedMachine(time)
    clock = ClockReader(agree: 1, machine: machine.clock)
    if isNodeUp {
      machine.lateMs = 0
      try clock.settle(from: machine, withinMs: Self.settleMs)
    }
    let startTime = machine.time
    startedAtMs = startTime.monotonicMs
    ledger = try Ledger(path: path, nowMs: min(clock.nowMs, startTime.wallMs))
    // Nobody waits in a simulation, and tmpfs is durable anyway.
    try ledger.read { try $0.execute(sql: "PRAGMA busy_timeout = 0; PRAGMA synchronous = OFF") }
    if sabotage == .forgetfulStart {
      try ledger.read { try $0.execute(sql: "DELETE FROM grants WHERE kind = 'granted'") }
    }
    try ledger.bind(secretFingerprint: PlainTransaction.masterKey.fingerprint)
    // Nobody reads the watcher's log.
    let log = LogQueue()
    shared = SharedState(
      clock: SharedClock(offsetMs: 0) { [mainThread] in mainThread.ms }, log: LogQueue())
    books = try Books(
      ledger: ledger, Self.sabotaged(configuration, sabotage),
      view: AccessView(
        ledger: ledger, changes: shared.changes, log: log, leastSpare: memory.leastSpare,
        makeTable: memory.table),
      logins: LoginView(
        ledger: ledger, changes: shared.changes, log: log, leastSpare: memory.leastSpare),
      clock: clock)
    host = try SimulatedHost(shared, isNewer: isBrokerNewer, sabotage: sabotage)
    takeChanges()
  }

  private static func sabotaged(
    _ configuration: PaywallConfiguration, _ sabotage: Sabotage?
  ) -> PaywallConfiguration {
    var configuration = configuration
    if sabotage == .forgottenAnnouncement {
      configuration.offers.removeAll { $0.fromMs != nil }
    }
    return configuration
  }

  /// The tangle's time as the plugin tells it.
  func nowMs(_ time: SimulatedTime) -> Int64 { time.monotonicMs + clock.offsetMs }

  /// When it was started, by what it knows now of the tangle's time.
  var startMs: Int64 { startedAtMs + clock.offsetMs }

  /// Whether the tangle's time is known.
  func isSynchronized(_ time: SimulatedTime) -> Bool {
    machine.time = time
    return clock.isSynchronized
  }

  /// Asks the node for the newest checkpoint, when it is time to.
  func readClock(_ time: SimulatedTime, lateMs: Int64) throws {
    machine.time = time
    machine.lateMs = lateMs
    if clock.isDue { try clock.read(from: machine) }
  }

  /// What the machine's clocks show; later than at the start, for the plugin waits for its node.
  var time: SimulatedTime { machine.time }

  /// What the main thread does at each check: it takes what was handed over, some at a time.
  func takeChanges() {
    guard !isBusy else { return }
    let plugin = host.plugin
    repeat {
      plugin.table.applyChanges(limit: memory.changesPerTurn)
    } while plugin.table.isBehind
  }

  // MARK: - The watcher's turns

  /// Where reading stands.
  func position() throws -> ReadingPosition { try books.position }

  /// Whether a payment is recorded already.
  func isKnown(_ digest: Digest) throws -> Bool {
    if sabotage == .unreadDigest, digest.bytes[0].isMultiple(of: 8) { return true }
    return try ledger.isKnown(digest)
  }

  /// Makes a page durable.
  func record(_ page: PaymentPage, _ time: SimulatedTime) throws -> Ledger.Recorded {
    machine.time = time
    var page = page
    if sabotage == .lostPayment { page.payments = page.payments.dropLast() }
    defer {
      if sabotage == .grownPurchase {
        try? ledger.read {
          try $0.execute(sql: "UPDATE grants SET ends_at = ends_at + 1 WHERE kind = 'bought'")
        }
      }
    }
    return try books.record(
      page, open: PlainTransaction.open, ended: { _ in try tellOutage() })
  }

  /// Hands over what a page has caused.
  func handOver(_ recorded: Ledger.Recorded, _ time: SimulatedTime) throws {
    machine.time = time
    var recorded = recorded
    if sabotage == .forgottenHandOver { recorded.accounts = [] }
    defer { takeChanges() }
    try books.handOver(recorded)
  }

  /// Whether what ran while the broker was down is made good.
  var isOutageOver: Bool { books.isOutageOver }

  /// Makes good what ran while the broker was down.
  func endOutage(_ time: SimulatedTime) throws {
    machine.time = time
    defer { takeChanges() }
    try books.endOutage { _ in try tellOutage() }
  }

  private func tellOutage() throws {
    guard sabotage == .generousLoss else { return }
    try ledger.read {
      try $0.execute(sql: "UPDATE grants SET ends_at = ends_at + 1 WHERE kind = 'made_good'")
    }
  }

  func noticeAdmin(_ time: SimulatedTime) throws {
    machine.time = time
    _ = try books.noticeAdmin()
    takeChanges()
  }

  func followTime(_ time: SimulatedTime) throws {
    machine.time = time
    try books.followTime()
    isBusy = false
    takeChanges()
  }

  /// Reads the configuration anew.
  func reload(_ new: PaywallConfiguration, _ time: SimulatedTime) throws {
    machine.time = time
    try books.takeOver(Self.sabotaged(new, sabotage))
    clock.use(agree: 1)
    try books.handOver()
    takeChanges()
  }

  /// Does what is done once in a while.
  ///
  /// - Returns: Whether nobody's lock held it up.
  func tidy(_ time: SimulatedTime) throws -> Bool {
    machine.time = time
    shared.changes.freeApplied()
    defer { takeChanges() }
    return try books.tidy()
  }

  func stop(_ time: SimulatedTime) {
    machine.time = time
    try? books.noteAlive()
    try? ledger.checkpoint()
    ledger.close()
  }

  // MARK: - The main thread

  /// The broker, while the plugin tells a time.
  private func host(atMs timeMs: Int64) -> SimulatedHost {
    let offsetMs = clock.offsetMs - aheadMs
    shared.clock.set(offsetMs: offsetMs)
    mainThread.ms = timeMs - offsetMs
    return host
  }

  /// The broker now.
  func host(_ time: SimulatedTime) -> SimulatedHost { host(atMs: nowMs(time)) }

  /// Some turns of the broker's loop, in which everybody is looked at.
  func loop(_ time: SimulatedTime) {
    // One that was kicked may still share what it may not share without a connection.
    for _ in 0..<3 {
      aheadMs += 1000
      host(time).tick()
    }
  }

  /// Whether an account may read, of which nobody need be connected.
  func mayRead(
    _ topic: String, _ account: String?, atMs timeMs: Int64
  ) -> PlainAccess.Answer {
    func ask(_ timeMs: Int64) -> PlainAccess.Answer {
      // Where connections count, only somebody who is connected gets an answer.
      host.plugin.table.hasConnectionLimits
        ? look(topic, account, atMs: timeMs)
        : host(atMs: timeMs).check(MOSQ_ACL_READ, topic, account: account)
    }
    if sabotage == .lateEnd, ask(timeMs - 1) == .allow { return .allow }
    return ask(timeMs)
  }

  /// Whether a connection gets a message.
  func mayRead(
    _ topic: String, _ client: PlainClient, _ time: SimulatedTime
  ) -> PlainAccess.Answer {
    sabotage == .uncountedConnections
      ? look(topic, client.account, atMs: nowMs(time)) : host(time).mayRead(topic, client.id)
  }

  /// What is in memory, without anybody who asks.
  private func look(
    _ topic: String, _ account: String?, atMs timeMs: Int64
  ) -> PlainAccess.Answer {
    let plugin = host.plugin
    let decision = topic.withCString { topic in
      guard let account else {
        return plugin.table.mayRead(topic, username: nil, nowMs: { timeMs })
      }
      return account.withCString { plugin.table.mayRead(topic, username: $0, nowMs: { timeMs }) }
    }
    return switch decision {
    case .allow: .allow
    case .deny: .deny
    case .defer: .defer
    }
  }

  /// Whether a client may subscribe to a filter alone.
  func maySubscribe(_ filter: String, _ account: String?, _ time: SimulatedTime) -> Bool {
    sabotage == .laxSubscribe
      || host(time).check(MOSQ_ACL_SUBSCRIBE, filter, account: account) == .allow
  }
}

/// The main thread's monotonic clock.
private final class MainThreadClock: Sendable {
  private let value = Atomic<Int64>(0)

  var ms: Int64 {
    get { value.load(ordering: .relaxed) }
    set { value.store(newValue, ordering: .relaxed) }
  }
}

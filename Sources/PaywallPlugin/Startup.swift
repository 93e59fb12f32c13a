import CMalloc
import Configuration
import Glibc
import HTTP
import IOTACrypto
import Ledger
import PaywallCore
import Setup
import Tangle

/// Everything that happens before the broker serves anyone, on its main thread.
///
/// What an admin has to mend is thrown. A node that is down is no such thing: the watcher goes on
/// trying.
struct Startup {
  /// How long the nodes may take to say which network they are of.
  private static let probeMs: Int64 = 5000
  /// And how long to bear out a time that is far from the wall clock's.
  private static let settleMs: Int64 = 2000

  let configuration: PaywallConfiguration
  let masterKey: MasterKey
  let shared: SharedState
  let watcher: Watcher
  /// Lines for the log.
  let summary: [String]

  init(options: PluginOptions) throws {
    configuration = try ConfigurationFile.load(path: options.configurationPath)
    let log = LogQueue()
    let clock = ClockReader(agree: configuration.tangle.agree)
    try Self.probe(configuration.tangle, clock, log: log)
    let isKnownLedger = Self.fileExists(configuration.ledger)
    // Payments from before a ledger's birth are not looked at: the earlier time loses none.
    var bornAtMs = min(clock.nowMs, SharedClock.wallMs())
    // Milestones tell whole seconds, rounded down.
    if configuration.tangle.protocol == .stardust { bornAtMs -= bornAtMs % 1000 }
    let ledger = try Ledger(path: configuration.ledger, nowMs: bornAtMs)
    let mayCreate = try !isKnownLedger || !ledger.isBound()
    masterKey = try MasterSecret.load(path: configuration.secretFile, mayCreate: mayCreate)
    try ledger.bind(secretFingerprint: masterKey.fingerprint)
    shared = SharedState(clock: SharedClock(offsetMs: clock.offsetMs), log: log)
    let books = try Books(
      ledger: ledger, configuration,
      view: AccessView(ledger: ledger, changes: shared.changes, log: log),
      logins: LoginView(ledger: ledger, changes: shared.changes, log: log), clock: clock)
    summary = try Self.describe(configuration, ledger)
    // What reading a long ledger took is given back now, while no client has to wait for it.
    try ledger.releaseMemory()
    malloc_trim(0)
    watcher = try Watcher(
      shared: shared, options: options, masterKey: masterKey, books: books, clock: clock)
  }

  /// Asks the nodes for their network and the time: a wrong network is a mistake in the
  /// configuration, a node that does not answer is only worth a warning.
  ///
  /// The time, so that a wrong wall clock neither opens nor closes anything between the start and the
  /// watcher's first look.
  ///
  /// - Throws: `NetworkMismatch`.
  private static func probe(
    _ tangle: PaywallConfiguration.Tangle, _ clock: ClockReader, log: LogQueue
  ) throws {
    let source = Watcher.source(tangle, log: LogQueue())
    do {
      try Deadline.run(probeMs, cancel: { source.cancel() }) {
        _ = try source.networkIdentifier()
        try clock.settle(from: source, withinMs: settleMs)
      }
    } catch let error as TangleError {
      let reason = error.code == .cancelled ? "no node has answered in time" : error.description
      log.write(
        .warning,
        "payments cannot be read yet: \(reason); bought access works, and reading is retried")
    }
  }

  /// What is sold, where to pay, who is asked about payments, and how far they are read.
  private static func describe(
    _ configuration: PaywallConfiguration, _ ledger: Ledger
  ) throws(LedgerError) -> [String] {
    let offers = configuration.offers.map { entry in
      let offer = entry.terms
      let topics = offer.topics.map(\.description).joined(separator: ", ")
      return "sells '\(offer.name)' (\(topics)) for \(Amount.describe(offer.price)) per "
        + Period.describe(ms: offer.perMs)
    }
    let tangle = configuration.tangle
    let nodes = tangle.nodes.map { ShownURL($0).description }.joined(separator: ", ")
    let agreement = tangle.agree > 1 ? ", of which \(tangle.agree) have to agree" : ""
    let position = try ledger.position(
      network: tangle.network, address: tangle.address, sinceMs: tangle.sinceMs)
    let since = "payments since \(WrittenTime.describe(position.sinceMs)) count"
    let newest = try ledger.newestPaidAtMs().map {
      "; the newest in the ledger is of \(WrittenTime.describe($0))"
    }
    let read = position.checkpoint.map { "; they are read up to checkpoint \($0)" }
    return ["this is Mosquitto Paywall \(Version.current)"] + offers + [
      "payments go to \(tangle.address) on network \(tangle.network)",
      "they are read by \(tangle.protocol.rawValue) from \(nodes)\(agreement)",
      since + (read ?? "; none was read yet") + (newest ?? ""),
    ]
  }

  private static func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }
}

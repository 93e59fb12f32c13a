import Configuration
import Glibc
import Ledger
import PaywallCore
import Tangle

/// Everything that happens before the broker serves anyone, on its main thread.
///
/// What an admin has to mend is thrown. A node that is down is no such thing: the watcher goes on
/// trying.
struct Startup {
  /// How long the nodes may take to say which network they are of.
  private static let probeMs: Int64 = 5000

  let configuration: PaywallConfiguration
  let shared: SharedState
  let watcher: Watcher
  /// Lines for the log.
  let summary: [String]

  init(options: PluginOptions) throws {
    configuration = try ConfigurationFile.load(path: options.configurationPath)
    let wallMs = SharedClock.wallMs()
    let clock = TangleClock(wallMs: wallMs, monotonicMs: SharedClock.monotonicMs())
    let isKnownLedger = Self.fileExists(configuration.ledger)
    let ledger = try Ledger(path: configuration.ledger, nowMs: wallMs)
    let mayCreate = try !isKnownLedger || !ledger.isBound()
    let secret = try MasterSecret.load(path: configuration.secretFile, mayCreate: mayCreate)
    try ledger.bind(secretFingerprint: secret.fingerprint)
    // A wall clock that is behind must not undo what was in force when payments were counted.
    let nowMs = max(wallMs, try ledger.newestPaidAtMs() ?? .min)
    let history = try ledger.apply(
      offers: configuration.offers, nowMs: nowMs,
      firstFromMs: configuration.tangle.sinceMs ?? ledger.bornAtMs())

    summary = Self.describe(configuration)
    shared = SharedState(clock: SharedClock(offsetMs: clock.offsetMs))
    try Self.probe(configuration.tangle, log: shared.log)
    var view = AccessView(ledger: ledger, changes: shared.changes, log: shared.log)
    try ledger.discardChanges()
    try view.handOver(configuration, nowMs: wallMs)
    watcher = try Watcher(
      shared: shared, options: options, configuration: configuration, ledger: ledger,
      history: history, view: view, clock: clock)
  }

  /// Asks the nodes for their network: a wrong one is a mistake in the configuration, one that does
  /// not answer is only worth a warning.
  ///
  /// - Throws: `NetworkMismatch`.
  private static func probe(_ tangle: PaywallConfiguration.Tangle, log: LogQueue) throws {
    let source = Watcher.source(tangle, log: LogQueue())
    do {
      _ = try Deadline.run(probeMs, cancel: { source.cancel() }) {
        try source.networkIdentifier()
      }
    } catch let error as TangleError {
      let reason = error.code == .cancelled ? "no node has answered in time" : error.description
      log.write(
        .warning,
        "payments cannot be read yet: \(reason); bought access works, and reading is retried")
    }
  }

  private static func describe(_ configuration: PaywallConfiguration) -> [String] {
    let offers = configuration.offers.map { entry in
      let offer = entry.terms
      let topics = offer.topics.map(\.description).joined(separator: ", ")
      return "sells '\(offer.name)' (\(topics)) for \(Amount.describe(offer.price)) per "
        + Period.describe(ms: offer.perMs)
    }
    let tangle = configuration.tangle
    return offers + ["payments go to \(tangle.address) on network \(tangle.network)"]
  }

  private static func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }
}

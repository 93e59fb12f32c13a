import Access
import Configuration
import CMosquittoPlugin
import Glibc
import HTTP
import IOTACrypto
import PaywallCore
import Setup

/// One loaded plugin: what the broker's main thread owns, and the thread that watches the tangle.
///
/// The broker passes it to the callbacks as `userdata`. Nothing here may trap, or wait.
final class Plugin {
  /// How long a SIGHUP's round of questions lasts at most, in milliseconds.
  private static let reauthenticationMs: Int64 = 2000

  let identifier: OpaquePointer
  private let mainThread = pthread_self()
  let shared: SharedState
  private var watcher: PlainThread?
  let table: AccessTable
  /// The clock of `shared`, which keeps it; a counted reference at each delivery would cost as much as
  /// the check.
  let clock: Unmanaged<SharedClock>
  let realm: String
  /// From which the keys of memos and the hashes of passwords come.
  let masterKey: MasterKey
  var connections = Connections()
  var walletLogins: WalletLogins
  /// The withdrawals of logins by which all buyers' connections have been looked at, or are.
  var loginsVersion: UInt64 = 0
  /// The connection whose end was told last, in this turn of the broker's loop.
  var endedRecord: UnsafeRawPointer?
  var sharedMembers = SharedMembers()
  /// The rules by which all members of shared subscriptions have been looked at, or are.
  var sharedRulesVersion: UInt64 = 0
  /// While a client is kicked: which shared subscriptions its session keeps, and whether they ask for
  /// anything sold.
  var keptByKicked: [[UInt8]: Bool]?
  var recipients = Recipients()
  /// Counted at each delivery; in memory of its own, as the table's.
  let deliveries: UnsafeMutablePointer<DeliveryCounts>
  /// What was told last on each topic of ``Metrics``.
  var toldMetrics: [String: String] = [:]
  /// The rules by which that was told.
  var metricsRulesVersion: UInt64 = 0
  /// What clients have still to be told, and which messages of it are next.
  var notices = FIFO<Notice>()
  var letters = FIFO<Letter>()
  /// Client ids to which something about an account was published in this turn of the loop.
  var addressed: [[UInt8]: Username] = [:]
  /// What the watcher has still to be told.
  var noticeRequests: [NoticeRequest] = []
  /// Finds the broker's session of a client id; nil where the broker cannot.
  var findSession: ((UnsafePointer<CChar>) -> OpaquePointer?)? = Plugin.brokersFindSession
  private var reloadedAtMs: Int64?
  /// Whether turns of the broker's loop are told of.
  private(set) var hasTicked = false

  /// Makes a plugin that is not registered with the broker yet, and has no watcher.
  ///
  /// - Parameters:
  ///   - identifier: The broker's, to register callbacks by.
  ///   - shared: What the watcher uses too.
  ///   - realm: The broker's name in wallets' logins.
  ///   - masterKey: Where all other secrets come from.
  init(identifier: OpaquePointer, shared: SharedState, realm: String, masterKey: MasterKey) {
    self.identifier = identifier
    self.shared = shared
    self.realm = realm
    self.masterKey = masterKey
    walletLogins = WalletLogins(realm: realm)
    table = AccessTable(changes: shared.changes)
    clock = .passUnretained(shared.clock)
    deliveries = .allocate(capacity: 1)
    deliveries.initialize(to: DeliveryCounts())
    table.applyChanges()
  }

  deinit { deliveries.deallocate() }

  /// Reads the configuration, opens the ledger, registers the callbacks and starts the watcher.
  static func start(identifier: OpaquePointer, options: PluginOptions) throws -> Plugin {
    let startup = try Startup(options: options)
    for line in startup.summary { BrokerLog.write(.notice, line) }
    let plugin = Plugin(
      identifier: identifier, shared: startup.shared, realm: startup.configuration.realm,
      masterKey: startup.masterKey)
    guard plugin.register() else {
      Callbacks.unregister(identifier)
      throw StartError("this broker offers no callbacks to plugins; use Mosquitto 2.0 or newer")
    }
    guard plugin.watch(startup.watcher) else {
      Callbacks.unregister(identifier)
      throw StartError(noThread)
    }
    return plugin
  }

  /// Registers the callbacks; the broker keeps no counted reference.
  ///
  /// - Returns: False where the broker refuses.
  func register() -> Bool {
    Callbacks.register(identifier, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Forgets the callbacks and ends the watcher, within a second.
  func stop() {
    Callbacks.unregister(identifier)
    shared.stop()
    watcher?.join()
    passOnLog()
  }

  private func watch(_ watcher: Watcher) -> Bool {
    // From here on only the thread touches the watcher.
    nonisolated(unsafe) let watcher = watcher
    self.watcher = PlainThread { watcher.run() }
    return self.watcher != nil
  }

  /// Whether this is the broker's main thread, which owns the state here.
  ///
  /// Mosquitto 2.1 asks on the thread of its HTTP API too.
  var isOnMainThread: Bool { pthread_self() == mainThread }

  /// Whether Mosquitto 2.0 asks again about everyone who is connected, as it does in the turn of its
  /// loop in which a SIGHUP came.
  ///
  /// From 2.1 on it lasts longer, for not every turn is told of. Bounded by time where no turn was
  /// ever told of, as by Mosquitto 2.0.11 with `per_listener_settings`.
  var isReauthenticating: Bool {
    guard let reloadedAtMs else { return false }
    return hasTicked || shared.clock.monotonicMs &- reloadedAtMs < Self.reauthenticationMs
  }

  // MARK: - The broker's loop

  func reload() {
    reloadedAtMs = shared.clock.monotonicMs
    shared.signals.reload()
  }

  func tick() {
    reloadedAtMs = nil
    hasTicked = true
    endedRecord = nil
    table.applyChanges()
    passOnLog()
    lookAfterLogins()
    lookAfterShared()
    tellNotices()
  }

  /// Has payments read often for a while, where somebody logs in who may be about to wait for one:
  /// anyone with a name but those who are configured.
  func demandPayments(for account: Username?) {
    guard let account, !account.withUnsafeBytes({ table.isConfigured($0) }) else { return }
    shared.signals.demand(nowMs: shared.clock.monotonicMs)
  }

  private func passOnLog() {
    for line in shared.log.takeAll() { BrokerLog.write(line.level, line.text) }
  }

  /// The bytes of a C string, without its end; valid as long as the string.
  static func bytes(_ text: UnsafePointer<CChar>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: text, count: strlen(text))
  }

  /// The bytes of a C string that may be missing.
  static func bytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer? {
    text.map { bytes($0) }
  }
}

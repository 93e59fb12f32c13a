import Access
import Configuration
import CMosquittoPlugin
import Glibc
import HTTP
import IOTACrypto
import PaywallCore

/// One loaded plugin: what the broker's main thread owns, and the thread that watches the tangle.
///
/// The broker passes it to the callbacks as `userdata`. Nothing here may trap, or wait.
final class Plugin {
  let identifier: OpaquePointer
  private let mainThread = pthread_self()
  private let shared: SharedState
  private var watcher: PlainThread?
  private let table: AccessTable
  /// The clock of `shared`, which keeps it; a counted reference at each delivery would cost as much as
  /// the check.
  private let clock: Unmanaged<SharedClock>
  private let realm: String
  /// Set by a SIGHUP until the next turn of the broker's loop, in which it asks again about everyone
  /// who is connected.
  private var isReauthenticating = false

  private init(identifier: OpaquePointer, shared: SharedState, started: Startup) {
    self.identifier = identifier
    self.shared = shared
    realm = started.configuration.realm
    table = AccessTable(changes: shared.changes)
    clock = .passUnretained(shared.clock)
    table.applyChanges()
  }

  /// Reads the configuration, opens the ledger, registers the callbacks and starts the watcher.
  static func start(identifier: OpaquePointer, options: PluginOptions) throws -> Plugin {
    let startup = try Startup(options: options)
    for line in startup.summary { BrokerLog.write(.notice, line) }
    let plugin = Plugin(identifier: identifier, shared: startup.shared, started: startup)
    let userdata = Unmanaged.passUnretained(plugin).toOpaque()
    guard Callbacks.register(identifier, userdata) else {
      Callbacks.unregister(identifier)
      throw StartError("this broker offers no callbacks to plugins; use Mosquitto 2.0 or newer")
    }
    guard plugin.watch(startup.watcher) else {
      Callbacks.unregister(identifier)
      throw StartError("no thread could be made; raise the limit of threads for the broker")
    }
    return plugin
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

  // MARK: - What the broker asks

  func reload() {
    isReauthenticating = true
    shared.signals.reload()
  }

  func tick() {
    isReauthenticating = false
    table.applyChanges()
    passOnLog()
  }

  func checkAccess(_ event: mosquitto_evt_acl_check) -> CInt {
    // Mosquitto 2.1 asks on the thread of its HTTP API too; the state here is the main thread's.
    guard pthread_equal(pthread_self(), mainThread) != 0 else {
      return MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
    table.applyChanges()
    guard let topic = Self.bytes(event.topic) else { return MOSQ_ERR_PLUGIN_DEFER.rawValue }
    let username = event.client.flatMap { Self.bytes(mosquitto_client_username($0)) }
    switch event.access {
    case MOSQ_ACL_READ:
      return Self.code(
        table.mayRead(
          topic, username: username, nowMs: clock._withUnsafeGuaranteedRef { $0.tickMs }))
    case MOSQ_ACL_WRITE:
      return Self.code(table.mayWrite(topic, username: username))
    case MOSQ_ACL_SUBSCRIBE:
      if table.concernsSold(topic) {
        shared.signals.demand(nowMs: SharedClock.monotonicMs())
      }
      return Self.code(table.maySubscribe(topic, username: username, nowMs: shared.clock.nowMs))
    case MOSQ_ACL_UNSUBSCRIBE:
      return MOSQ_ERR_SUCCESS.rawValue
    default:
      return MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
  }

  /// Authenticates wallets, and keeps everybody else away from the names that only we vouch for.
  func authenticate(_ event: mosquitto_evt_basic_auth) -> CInt {
    guard let client = event.client, let username = event.username.flatMap({ Self.bytes($0) }),
      Account.isReserved(username: username)
    else { return MOSQ_ERR_PLUGIN_DEFER.rawValue }
    guard pthread_equal(pthread_self(), mainThread) != 0,
      case .wallet(let address)? = Account(username: username)
    else { return MOSQ_ERR_AUTH.rawValue }

    // A session that was restored from disk is asked about without password, address and protocol;
    // it was let in before.
    let isRestored =
      event.password == nil && mosquitto_client_address(client) == nil
      && mosquitto_client_protocol_version(client) == 0
    guard isRestored || isLogin(of: address, password: event.password) else {
      return MOSQ_ERR_AUTH.rawValue
    }
    let name = address.description
    if !username.elementsEqual(name.utf8), mosquitto_set_username(client, name) != 0 {
      return MOSQ_ERR_AUTH.rawValue
    }
    return MOSQ_ERR_SUCCESS.rawValue
  }

  // MARK: - Parts

  private func isLogin(of address: Address, password: UnsafePointer<CChar>?) -> Bool {
    guard let password else { return false }
    let verdict = WalletLogin.verify(
      username: address.description, password: String(cString: password), realm: realm)
    guard case .valid(_, let expiryS) = verdict else { return false }
    // A login is judged when it connects, not each time the configuration is read again.
    if isReauthenticating { return true }
    let nowS = shared.clock.nowMs / 1000
    return nowS < expiryS && expiryS <= nowS &+ WalletLogin.maximumLifetimeS
  }

  private func passOnLog() {
    for line in shared.log.takeAll() { BrokerLog.write(line.level, line.text) }
  }

  private static func bytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer? {
    text.map { UnsafeRawBufferPointer(start: $0, count: strlen($0)) }
  }

  private static func code(_ decision: Decision) -> CInt {
    // Anything but these three would make the broker drop clients or messages of others.
    switch decision {
    case .allow: MOSQ_ERR_SUCCESS.rawValue
    case .deny: MOSQ_ERR_ACL_DENIED.rawValue
    case .defer: MOSQ_ERR_PLUGIN_DEFER.rawValue
    }
  }
}

import Access
import Configuration
import Ledger
import PaywallCore

/// What the watcher hands to the main thread: rules, the table of all accounts, and changes to it.
///
/// No copy of what was handed over is kept. Where the changes since the table was built might
/// overfill it, where somebody else wrote to the ledger, or where a change could not be read, a new
/// table is built from the ledger.
struct AccessView {
  /// How long a table may hold what has ended, in milliseconds.
  private static let tableLifetimeMs: Int64 = 3_600_000
  /// How many changes a table has room for at least.
  private static let leastSpare = 1000

  private let ledger: Ledger
  private let changes: ChangeQueue
  /// The offer versions of the rules that hold; nil until they were handed over.
  private var soldVersions: [Int64]?
  /// How many more accounts fit into the table for certain.
  private var spare = 0
  private var builtAtMs: Int64 = .min
  /// Whether the ledger holds what was not handed over, as it could not be read.
  private(set) var isBehind = false

  init(ledger: Ledger, changes: ChangeQueue) {
    self.ledger = ledger
    self.changes = changes
  }

  /// Hands over the rules of a configuration, with those of what was sold before and still runs, and
  /// what every account holds.
  mutating func handOver(
    _ configuration: PaywallConfiguration, nowMs: Int64
  ) throws(LedgerError) {
    soldVersions = nil
    let sold = try ledger.soldOffers(nowMs: nowMs)
    let accounts = try table(nowMs: nowMs)
    changes.push(rules: Self.rules(configuration, sold), accounts: accounts)
    soldVersions = sold.map(\.id)
  }

  /// Hands over rules where the last time sold of an offer that is gone has ended.
  mutating func refreshRules(
    _ configuration: PaywallConfiguration, nowMs: Int64
  ) throws(LedgerError) {
    let sold = try ledger.soldOffers(nowMs: nowMs)
    guard sold.map(\.id) != soldVersions else { return }
    changes.push(rules: Self.rules(configuration, sold))
    soldVersions = sold.map(\.id)
  }

  /// Hands over what some accounts hold.
  mutating func update(
    _ accounts: some Collection<Username>, nowMs: Int64
  ) throws(LedgerError) {
    guard accounts.count <= spare else { return try updateAll(nowMs: nowMs) }
    isBehind = true
    var held: [AccountAccess] = []
    for account in accounts {
      held.append(Self.access(of: account, try ledger.access(of: account, nowMs: nowMs)))
    }
    spare -= held.count
    changes.push(changes: held)
    isBehind = false
  }

  /// Hands over what every account holds.
  mutating func updateAll(nowMs: Int64) throws(LedgerError) {
    let accounts = try table(nowMs: nowMs)
    changes.push(accounts: accounts)
  }

  /// Gives back the memory of what has ended, once in a while.
  mutating func forgetEnded(nowMs: Int64) throws(LedgerError) {
    if nowMs >= builtAtMs + Self.tableLifetimeMs { try updateAll(nowMs: nowMs) }
  }

  private mutating func table(nowMs: Int64) throws(LedgerError) -> AccountTable {
    isBehind = true
    let held = try ledger.access(nowMs: nowMs)
    let spare = max(Self.leastSpare, held.count / 8)
    var table = AccountTable(capacity: held.count + spare)
    for (username, access) in held {
      _ = table.set(Self.access(of: username, access).access, of: username)
    }
    self.spare = spare
    builtAtMs = nowMs
    isBehind = false
    return table
  }

  private static func access(of username: Username, _ access: [Ledger.Access]) -> AccountAccess {
    AccountAccess(
      username: username,
      access: access.map { OfferAccess(offer: $0.version, span: $0.span) })
  }

  private static func rules(
    _ configuration: PaywallConfiguration, _ sold: [Ledger.StoredOffer]
  ) -> AccessRules {
    AccessRules(
      free: configuration.access.free,
      sold: sold.map { ($0.id, $0.offer.topics) },
      accounts: configuration.accounts.map { account in
        AccessRules.ConfiguredAccount(
          username: account.username.bytes, publish: account.publish, read: account.read)
      },
      isSubscribeStrict: configuration.access.isSubscribeStrict)
  }
}

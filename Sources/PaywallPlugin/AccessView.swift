import Access
import Configuration
import Ledger
import PaywallCore

/// What the watcher hands to the main thread: rules, the table of all accounts, and changes to it.
///
/// No copy of what was handed over is kept: the ledger tells whose access has changed. Where the
/// changes since the table was built might overfill it, a new table is built from the ledger.
struct AccessView {
  /// How long a table may hold what has ended, in milliseconds.
  private static let tableLifetimeMs: Int64 = 3_600_000
  /// How many rows that make no sense are named in the log at most.
  private static let flawLimit = 1000

  private let ledger: Ledger
  private let changes: ChangeQueue
  private let log: LogQueue
  /// How many changes a table has room for at least.
  private let leastSpare: Int
  private let makeTable: (Int) -> AccountTable
  /// The offer versions of the rules that hold; nil until they were handed over.
  private var soldVersions: Set<Int64>?
  /// How many more accounts fit into the table for certain.
  private var spare = 0
  private var builtAtMs: Int64 = .min
  /// All access that ends later has been handed over.
  private var latestMs: Int64 = .min
  /// The ledger's, when everything that others had written was handed over; nil: not yet.
  private var dataVersion: Int64?
  /// Accounts whose access has changed, and could not be read.
  private var unread: Set<Username> = []
  /// Whether a whole table could not be read.
  private var isTableUnread = true
  private var flaws: Set<Flaw> = []

  /// A view of a ledger, of which nothing is handed over yet.
  ///
  /// `makeTable` makes an empty table with room for so many accounts.
  init(
    ledger: Ledger, changes: ChangeQueue, log: LogQueue, leastSpare: Int = 1000,
    makeTable: @escaping (Int) -> AccountTable = { AccountTable(capacity: $0) }
  ) {
    self.ledger = ledger
    self.changes = changes
    self.log = log
    self.leastSpare = leastSpare
    self.makeTable = makeTable
  }

  /// Hands over the rules of a configuration, with those of what was sold before and still runs, and
  /// what every account holds.
  mutating func handOver(
    _ configuration: PaywallConfiguration, nowMs: Int64
  ) throws(LedgerError) {
    soldVersions = nil
    isTableUnread = true
    let sold = try ledger.soldOffers(nowMs: nowMs)
    let accounts = try table(nowMs: nowMs)
    changes.push(rules: Self.rules(configuration, sold), accounts: accounts)
    soldVersions = Set(sold.map(\.id))
  }

  /// Hands over rules where the last time sold of an offer that is gone has ended.
  mutating func refreshRules(
    _ configuration: PaywallConfiguration, nowMs: Int64
  ) throws(LedgerError) {
    guard try ledger.soldVersions(nowMs: nowMs) != soldVersions else { return }
    let sold = try ledger.soldOffers(nowMs: nowMs)
    changes.push(rules: Self.rules(configuration, sold))
    soldVersions = Set(sold.map(\.id))
  }

  /// Hands over what some accounts hold.
  mutating func update(
    _ accounts: some Collection<Username>, nowMs: Int64
  ) throws(LedgerError) {
    unread.formUnion(accounts)
    latestMs = max(latestMs, nowMs)
    guard !isTableUnread, unread.count <= spare else { return try updateAll(nowMs: nowMs) }
    var held: [AccountAccess] = []
    for account in unread {
      let (access, flaws) = try ledger.access(of: account, endingAfterMs: nowMs)
      tell(flaws)
      held.append(AccountAccess(username: account, access: Self.access(access)))
    }
    spare -= held.count
    if !held.isEmpty { changes.push(changes: held) }
    unread = []
  }

  /// Hands over what has changed where somebody else wrote to the ledger, and what could not be read
  /// before.
  ///
  /// - Parameters:
  ///   - nowMs: The tangle's time.
  ///   - logins: Forgets what it has read where others have changed passwords.
  /// - Returns: Whose access may have changed; nil: anybody's.
  /// - Throws: `LedgerError`; then the same is looked for next time.
  mutating func noticeAdmin(
    nowMs: Int64, logins: inout LoginView
  ) throws(LedgerError) -> Set<Username>? {
    // Where nothing is written, it is noticed here.
    try ledger.requireFiles()
    let version = try ledger.dataVersion()
    guard version != dataVersion || !unread.isEmpty || isTableUnread else { return [] }
    let taken = try ledger.takeChanges()
    if taken.areLogins { logins.forget() }
    unread.formUnion(taken.accounts)
    if taken.areMore {
      // One by one they would take longer than all at once.
      isTableUnread = true
      try ledger.discardChanges()
    }
    let changed = isTableUnread ? nil : unread
    try update([], nowMs: nowMs)
    dataVersion = version
    return changed
  }

  /// Hands over what every account holds.
  mutating func updateAll(nowMs: Int64) throws(LedgerError) {
    let accounts = try table(nowMs: nowMs)
    changes.push(accounts: accounts)
  }

  /// Finds access again that seemed to have ended, where the tangle's clock turns out to be earlier.
  mutating func follow(nowMs: Int64) throws(LedgerError) {
    guard nowMs < latestMs else {
      latestMs = nowMs
      return
    }
    let accounts = try ledger.accounts(endingAfterMs: nowMs, untilMs: latestMs)
    try update(accounts, nowMs: nowMs)
    latestMs = nowMs
  }

  /// Gives back the memory of what has ended, once in a while.
  mutating func forgetEnded(nowMs: Int64) throws(LedgerError) {
    let (ageMs, overflow) = nowMs.subtractingReportingOverflow(builtAtMs)
    if overflow || ageMs >= Self.tableLifetimeMs { try updateAll(nowMs: nowMs) }
  }

  private mutating func table(nowMs: Int64) throws(LedgerError) -> AccountTable {
    isTableUnread = true
    let count = try ledger.holderCount(endingAfterMs: nowMs)
    let spare = max(leastSpare, count / 8)
    var table = makeTable(count + spare)
    tell(
      try ledger.forEachAccess(endingAfterMs: nowMs) { username, access in
        _ = table.set(Self.access(access), of: username)
      })
    self.spare = spare
    builtAtMs = nowMs
    latestMs = nowMs
    unread = []
    isTableUnread = false
    return table
  }

  /// Says once of each row that makes no sense.
  private mutating func tell(_ found: [Flaw]) {
    for flaw in found where flaws.count < Self.flawLimit && flaws.insert(flaw).inserted {
      log.write(.warning, "ledger \(ledger.path): \(flaw)")
    }
  }

  private static func access(_ access: [Ledger.Access]) -> [OfferAccess] {
    access.map { OfferAccess(offer: $0.version, span: $0.span) }
  }

  private static func rules(
    _ configuration: PaywallConfiguration, _ sold: [Ledger.StoredOffer]
  ) -> AccessRules {
    configuration.accessRules(sold: sold.map { ($0.id, $0.offer) })
  }
}

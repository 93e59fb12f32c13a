import Access
import Configuration
import Ledger
import PaywallCore

/// What the main thread holds of the ledger, so that only changes follow.
///
/// It keeps no copy: all access that ends after `latestMs` has been handed over, and what ended
/// before `forgottenMs` has been taken back.
struct AccessView {
  /// How long ended access is kept, in milliseconds: the tangle's clock may step back.
  private static let forgetAfterMs: Int64 = 600_000
  /// How many rows that make no sense are named in the log at most.
  private static let flawLimit = 1000

  private let ledger: Ledger
  private let log: LogQueue
  private var latestMs: Int64 = .min
  private var forgottenMs: Int64 = .min
  private var soldVersions: Set<Int64> = []
  private var dataVersion: Int64?
  /// Accounts that others have changed, and that have not been read again.
  private var unread: Set<Username> = []
  private var flaws: Set<Flaw> = []

  init(ledger: Ledger, log: LogQueue) {
    self.ledger = ledger
    self.log = log
  }

  /// The rules of the configuration, and of what was sold before and still runs.
  mutating func rules(
    _ configuration: PaywallConfiguration, nowMs: Int64
  ) throws(LedgerError) -> AccessRules {
    let sold = try ledger.soldOffers(nowMs: nowMs)
    soldVersions = Set(sold.map(\.id))
    return AccessRules(
      free: configuration.access.free,
      sold: sold.map { ($0.id, $0.offer.topics) },
      accounts: configuration.accounts.map { account in
        AccessRules.ConfiguredAccount(
          username: account.username.bytes, publish: account.publish, read: account.read)
      },
      isSubscribeStrict: configuration.access.isSubscribeStrict)
  }

  /// Whether the last time sold of an offer that is gone has ended, so that rules change.
  func needsRules(nowMs: Int64) throws(LedgerError) -> Bool {
    try ledger.soldVersions(nowMs: nowMs) != soldVersions
  }

  /// Hands over all access there is, one account after the other; once, before the broker serves.
  mutating func load(nowMs: Int64, _ body: (AccessChange) -> Void) throws(LedgerError) {
    latestMs = nowMs
    forgottenMs = nowMs
    try ledger.discardChanges()
    tell(
      try ledger.forEachAccess(endingAfterMs: nowMs) { account, access in
        body(Self.change(account, access))
      })
  }

  /// What has changed for some accounts.
  mutating func changes(
    of accounts: some Sequence<Username>, nowMs: Int64
  ) throws(LedgerError) -> [AccessChange] {
    latestMs = max(latestMs, nowMs)
    var changes: [AccessChange] = []
    for account in accounts {
      let (access, flaws) = try ledger.access(of: account, endingAfterMs: nowMs)
      tell(flaws)
      changes.append(Self.change(account, access))
    }
    return changes
  }

  /// What has changed for those whose grants somebody else has written to the ledger.
  ///
  /// - Returns: The changes of the first ten thousand or so; none once there are no more.
  mutating func adminChanges(nowMs: Int64) throws(LedgerError) -> [AccessChange] {
    let version = try ledger.dataVersion()
    guard version != dataVersion || !unread.isEmpty else { return [] }
    let taken = try ledger.takeChanges()
    unread.formUnion(taken.accounts)
    let changes = try changes(of: unread, nowMs: nowMs)
    unread = []
    if !taken.areMore { dataVersion = version }
    return changes
  }

  /// What has changed for those who hold every version of an offer, after offers have changed.
  mutating func offersChanged(nowMs: Int64) throws(LedgerError) -> [AccessChange] {
    try changes(of: ledger.accountsOfAnyVersion(endingAfterMs: nowMs), nowMs: nowMs)
  }

  /// What changes with time: forgets access some time after it has ended, and finds it again where
  /// the tangle's clock has turned out to be earlier.
  mutating func follow(nowMs: Int64) throws(LedgerError) -> [AccessChange] {
    if nowMs < latestMs {
      let accounts = try ledger.accounts(endingAfterMs: nowMs, untilMs: latestMs)
      latestMs = nowMs
      forgottenMs = min(forgottenMs, nowMs)
      return try changes(of: accounts, nowMs: nowMs)
    }
    latestMs = nowMs
    let (endMs, isTooEarly) = nowMs.subtractingReportingOverflow(Self.forgetAfterMs)
    guard !isTooEarly, endMs > forgottenMs else { return [] }
    let accounts = try ledger.accounts(endingAfterMs: forgottenMs, untilMs: endMs)
    let changes = try changes(of: accounts, nowMs: nowMs)
    forgottenMs = endMs
    return changes
  }

  private static func change(_ account: Username, _ access: [Ledger.Access]) -> AccessChange {
    .account(
      username: account, access: access.map { OfferAccess(offer: $0.version, span: $0.span) })
  }

  /// Says once of each row that makes no sense.
  private mutating func tell(_ found: [Flaw]) {
    for flaw in found where flaws.count < Self.flawLimit && flaws.insert(flaw).inserted {
      log.write(.warning, "ledger \(ledger.path): \(flaw)")
    }
  }
}

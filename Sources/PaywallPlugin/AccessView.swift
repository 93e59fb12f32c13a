import Access
import Configuration
import Ledger
import PaywallCore

/// What the watcher has handed to the main thread, so that only changes follow.
struct AccessView {
  private let ledger: Ledger
  /// The access of each account that had any when it was last looked at.
  private var held: [Username: [OfferAccess]] = [:]
  private var soldVersions: [Int64] = []

  init(ledger: Ledger) {
    self.ledger = ledger
  }

  /// The rules of the configuration, and of what was sold before and still runs.
  mutating func rules(
    _ configuration: PaywallConfiguration, nowMs: Int64
  ) throws(LedgerError) -> AccessRules {
    let sold = try ledger.soldOffers(nowMs: nowMs)
    soldVersions = sold.map(\.id)
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
    try ledger.soldOffers(nowMs: nowMs).map(\.id) != soldVersions
  }

  /// What has changed for some accounts.
  mutating func changes(
    of accounts: some Sequence<Username>, nowMs: Int64
  ) throws(LedgerError) -> [AccessChange] {
    var changes: [AccessChange] = []
    for account in accounts {
      let access = try ledger.access(of: account, nowMs: nowMs)
      if let change = update(account, access) { changes.append(change) }
    }
    return changes
  }

  /// What has changed for anybody, after somebody else wrote to the ledger.
  mutating func allChanges(nowMs: Int64) throws(LedgerError) -> [AccessChange] {
    let current = try ledger.access(nowMs: nowMs)
    let gone = held.keys.filter { current[$0] == nil }
    return gone.compactMap { update($0, []) } + current.compactMap { update($0.key, $0.value) }
  }

  /// Forgets those whose access has ended.
  mutating func ended(nowMs: Int64) -> [AccessChange] {
    let ended = held.filter { $0.value.allSatisfy { $0.span.endsAtMs <= nowMs } }
    return ended.keys.compactMap { update($0, []) }
  }

  private mutating func update(_ account: Username, _ access: [Ledger.Access]) -> AccessChange? {
    let access = access.map { OfferAccess(offer: $0.version, span: $0.span) }
    guard held[account] ?? [] != access else { return nil }
    held[account] = access.isEmpty ? nil : access
    return .account(username: account, access: access)
  }
}

public import Access
public import PaywallCore

extension PaywallConfiguration {
  /// The rules by which the broker decides, and `paywall why` tells.
  ///
  /// - Parameter sold: The offer versions whose topics are sold, as the ledger tells, by their rows.
  /// - Returns: The rules.
  public func accessRules(sold: [(id: OfferKey, offer: Offer)]) -> AccessRules {
    AccessRules(
      free: access.free, sold: sold.map { ($0.id, $0.offer.topics, $0.offer.clients) },
      accounts: accounts.map { account in
        AccessRules.ConfiguredAccount(
          username: account.username.bytes, publish: account.publish, read: account.read)
      },
      isSubscribeStrict: access.isSubscribeStrict)
  }
}

/// To whom and for what a payment counts.
public enum Assignment: Hashable, Sendable {
  /// It counts for this account and this version of an offer.
  case claimed(Account, Offer)
  /// The seller has to decide; the reason in words.
  case unclaimed(String)

  /// Decides for a confirmed payment, by its memo, its sender and its checkpoint's time.
  ///
  /// - Parameters:
  ///   - payment: The payment.
  ///   - timeMs: The time of its checkpoint.
  ///   - offers: What was sold, and when.
  ///   - open: Opens a sealed memo: the account it names, nil where the name is taken, and the offer
  ///     it names; nil where it cannot be opened. Without an account the payment counts for its
  ///     sender, so that the money is never lost.
  /// - Returns: The assignment; the same on every broker with the same offers and secret.
  public static func of(
    _ payment: Payment, atMs timeMs: Int64, offers: OfferHistory,
    open: ([UInt8]) -> (account: Account?, offer: [UInt8]?)? = { _ in nil }
  ) -> Assignment {
    switch payment.memo.content {
    case .contradictory(let reason):
      return .unclaimed(reason)
    case .plain(let username, let offer):
      guard let account = Account(username: username) else {
        return .unclaimed("the memo's username is impossible")
      }
      if case .wallet = account {
        return .unclaimed("a wallet's account gets time only by a payment from its address")
      }
      return claim(for: account, offer: offer, atMs: timeMs, offers: offers)
    case .sealed(let memo):
      let opened = open(memo)
      guard let account = opened?.account ?? payment.payer.map({ .wallet($0) }) else {
        return .unclaimed("the sender is not known")
      }
      return claim(for: account, offer: opened?.offer, atMs: timeMs, offers: offers)
    case .none:
      guard let payer = payment.payer else { return .unclaimed("the sender is not known") }
      return claim(for: .wallet(payer), offer: nil, atMs: timeMs, offers: offers)
    }
  }

  private static func claim(
    for account: Account, offer named: [UInt8]?, atMs timeMs: Int64, offers: OfferHistory
  ) -> Assignment {
    guard let named else {
      guard let offer = offers.firstOffer(atMs: timeMs) else {
        return .unclaimed("nothing was sold at the time")
      }
      return .claimed(account, offer)
    }
    guard let name = Name(named), let offer = offers.offer(named: name, atMs: timeMs) else {
      return .unclaimed("the memo's offer was not sold at the time")
    }
    return .claimed(account, offer)
  }
}

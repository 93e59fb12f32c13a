import HTTP
import PaywallCore
import Wallet

/// What is about to be bought: checked, and not paid yet.
struct Purchase {
  let offers: AdvertisedOffers
  let offer: Offer
  let spanMs: Int64
  /// Nil: the account is the wallet's own.
  let login: LoginFile.Login?
  /// Whether the login was there before, and not made up for this purchase.
  let isSaved: Bool
  let order: PaymentOrder

  /// - Throws: ``BrokerError`` where the seller is another than the given one, or sells no such span.
  init(
    offers: AdvertisedOffers, offer: Offer, spanMs: Int64, seller: Address?,
    login: LoginFile.Login?, isSaved: Bool, memo: PaymentMemo?
  ) throws {
    if let seller, seller != offers.seller {
      throw BrokerError(
        "The broker wants \(offers.seller) to be paid, and not \(seller), so nothing was paid.")
    }
    guard spanMs >= offer.minimumMs else {
      throw BrokerError(
        "The least that is sold of '\(offer.name)' is \(Period.describe(ms: offer.minimumMs)).")
    }
    guard let amountNanos = offer.amount(forMs: spanMs) else {
      throw BrokerError("\(Period.describe(ms: spanMs)) cost more than there is.")
    }
    self.offers = offers
    self.offer = offer
    self.spanMs = spanMs
    self.login = login
    self.isSaved = isSaved
    order = PaymentOrder(to: offers.seller, amountNanos: amountNanos, memo: memo)
  }

  /// - Throws: ``BrokerError`` where somebody on the way could put in an address of their own.
  static func requireSafeSeller(_ seller: Address?, at url: BrokerURL) throws {
    guard seller != nil || url.isEncrypted || url.isLoopback else {
      throw BrokerError(
        "Without TLS anybody on the way to \(url.host) could swap the seller's address: give the "
          + "one that you know with --seller, or use mqtts://.")
    }
  }

  /// What is shown before it is paid.
  func lines(at broker: BrokerOptions, payment: PreparedPayment) -> [String] {
    let topics = offer.topics.prefix(10).map { SafeText.line($0.description, maximumCount: 80) }
    let more = offer.topics.count > 10 ? ", …" : ""
    let name = SafeText.line(offer.name.description, maximumCount: 64)
    let account =
      login.map { "buyer:\($0.username)" + (isSaved ? " (saved)" : " (new)") }
      ?? "the wallet's own"
    return [
      "Broker:  \(broker.url)" + (broker.url.isEncrypted ? "" : " (not encrypted)"),
      "Seller:  \(offers.seller)",
      "Offer:   \(name) (\(topics.joined(separator: ", "))\(more)), "
        + "\(Amount.describe(offer.price)) per \(Period.describe(ms: offer.perMs))",
      "Buys:    \(Period.describe(ms: offer.boughtMs(for: order.amountNanos))) for "
        + Amount.describe(order.amountNanos),
      "Account: \(account)",
      "Gas:     \(Amount.describe(payment.gas.netNanos))",
      "Total:   \(Amount.describe(payment.totalNanos))",
    ]
  }
}

import Configuration
import PaywallCore

/// What is told on `$SYS/paywall/offers`: where to pay, and what is sold now.
struct OffersMessage: Message {
  struct Entry: Encodable {
    let name: String
    let topics: [String]
    let priceNanos: Nanos
    let perMs: Int64
    let minimumMs: Int64
    let clients: Int

    init(_ offer: Offer) {
      name = offer.name.description
      topics = offer.topics.map(\.description)
      priceNanos = offer.price
      perMs = offer.perMs
      minimumMs = offer.minimumMs
      clients = offer.clients
    }
  }

  let address: String
  let network: String
  let `protocol`: String
  let realm: String
  /// In the order of the configuration: a payment that names none is for the first.
  let offers: [Entry]

  init(_ configuration: PaywallConfiguration, _ history: OfferHistory, nowMs: Int64) {
    address = configuration.tangle.address.description
    network = configuration.tangle.network
    `protocol` = configuration.tangle.protocol.rawValue
    realm = configuration.realm
    offers = history.versions.filter { $0.isInForce(atMs: nowMs) }.map { Entry($0) }
  }
}

/// What anyone was told last of the offers; told again when it changes.
struct OffersTold {
  private let exchange: NoticeExchange
  private var payload: [UInt8] = []
  /// While what was told last is true, in the tangle's time.
  private var span = Span(startsAtMs: 0, endsAtMs: 0)

  init(exchange: NoticeExchange) {
    self.exchange = exchange
  }

  /// Tells what a configuration sells now, unless that was told last.
  mutating func update(
    _ configuration: PaywallConfiguration, _ history: OfferHistory, nowMs: Int64
  ) {
    let bounds = history.versions.flatMap { [$0.validFromMs, $0.validUntilMs ?? .max] }
    span = Span(
      startsAtMs: bounds.filter { $0 <= nowMs }.max() ?? .min,
      endsAtMs: bounds.filter { $0 > nowMs }.min() ?? .max)
    let new = OffersMessage(configuration, history, nowMs: nowMs).payload
    guard new != payload else { return }
    payload = new
    exchange.notices.add(.offers(new))
  }

  /// The same, where an offer has come into force or gone out of it since.
  mutating func follow(
    _ configuration: PaywallConfiguration, _ history: OfferHistory, nowMs: Int64
  ) {
    if !span.contains(nowMs) { update(configuration, history, nowMs: nowMs) }
  }
}

import Access
import Configuration
import Ledger
import PaywallCore

/// A question to the broker's rules: whether a client may read, or publish to, a topic now.
///
/// The decision is the broker's own, from the same table; why it is made is found beside it.
struct Why {
  let configuration: PaywallConfiguration
  let situation: AccountSituation
  /// The client's name inside the broker; nil: it is anonymous.
  let username: Username?
  /// Without wildcards and NUL.
  let topic: [UInt8]
  let nowMs: Int64

  /// What the broker answers to READ.
  var read: Decision {
    decide { table, topic, username in table.mayRead(topic, username: username) { nowMs } }
  }

  /// What the broker answers to WRITE.
  var write: Decision {
    decide { table, topic, username in table.mayWrite(topic, username: username) }
  }

  /// How many connections of the account may read the topic at once; nil: any number.
  var connectionLimit: Int? {
    decide { table, topic, username in
      table.connectionLimit(topic, username: username, nowMs: nowMs)
    }
  }

  private func decide<Answer>(
    _ body: (borrowing AccessTable, UnsafePointer<CChar>, UnsafePointer<CChar>?) -> Answer
  ) -> Answer {
    var accounts = AccountTable(capacity: 1)
    if let username {
      _ = accounts.set(
        situation.access.map { OfferAccess(offer: $0.version, span: $0.span) }, of: username)
    }
    let table = AccessTable(
      rules: configuration.accessRules(sold: sold.map { ($0.id, $0.offer) }), accounts: accounts)
    // Arrays of CChar pass as pointers to their elements.
    let topic = topic.map { CChar(bitPattern: $0) } + [0]
    guard let username else { return body(table, topic, nil) }
    return body(table, topic, username.map { CChar(bitPattern: $0) } + [0])
  }

  // MARK: - What the rules look at

  /// The offer versions whose topics are sold.
  var sold: [Ledger.StoredOffer] {
    situation.offers.filter { situation.soldVersions.contains($0.id) }
  }

  /// Those that sell the topic.
  var sellers: [Ledger.StoredOffer] {
    sold.filter { matches($0.offer.topics) != nil }
  }

  /// The first of some filters that matches the topic.
  func matches(_ filters: [TopicFilter]) -> TopicFilter? {
    filters.first { $0.matches(topic: topic) }
  }

  /// The client's entry in the configuration.
  var entry: PaywallConfiguration.AccountEntry? {
    configuration.accounts.first { $0.username.bytes == username }
  }

  /// Whether the topic is one on which the plugin tells about itself.
  var isOwn: Bool {
    let root = Array("$SYS/paywall".utf8)
    return topic == root || topic.starts(with: root + [UInt8(ascii: "/")])
  }

  // MARK: - Reasons

  /// Why a client may or may not read a topic.
  enum ReadReason: Hashable {
    case free(TopicFilter)
    /// It holds an offer that sells the topic.
    case held(Name, Span)
    /// The configuration lets it read what is sold.
    case configured(TopicFilter)
    /// It is sold, and the client has no name.
    case anonymous
    /// It is sold; what the account has of it, of the offer it is nearest to.
    case notHeld(Name, Holding)
    /// What is sold, for anybody.
    case ownOffers
    /// The plugin's own topics, for configured accounts.
    case ownConfigured
    case ownDenied
    /// Neither free nor sold.
    case other

    var decision: Decision {
      switch self {
      case .free, .held, .configured, .ownOffers, .ownConfigured: .allow
      case .anonymous, .notHeld, .ownDenied: .deny
      case .other: .defer
      }
    }
  }

  /// What an account has of an offer that it may not read now.
  enum Holding: Hashable {
    /// It has time, which a row of `grants` takes away.
    case revoked(row: Int64, Span)
    case later(fromMs: Int64)
    case ended(atMs: Int64)
    case never
  }

  var readReason: ReadReason {
    if let filter = matches(configuration.access.free) { return .free(filter) }
    let sellers = sellers
    guard !sellers.isEmpty else {
      guard isOwn else { return .other }
      if topic == Array(SystemTopic.offers.utf8) { return .ownOffers }
      return entry == nil ? .ownDenied : .ownConfigured
    }
    guard username != nil else { return .anonymous }
    for seller in sellers {
      if let span = span(of: seller) { return .held(seller.offer.name, span) }
    }
    if let filter = entry.flatMap({ matches($0.read) }) { return .configured(filter) }
    // What is nearest to access tells most.
    let holdings = sellers.map { ($0.offer.name, holding(of: $0)) }
    let nearest = holdings.min { $0.1.distance < $1.1.distance }
    return nearest.map { .notHeld($0.0, $0.1) } ?? .other
  }

  private func span(of seller: Ledger.StoredOffer) -> Span? {
    situation.access.first { $0.version == seller.id && $0.span.contains(nowMs) }?.span
  }

  private func holding(of seller: Ledger.StoredOffer) -> Holding {
    let rows = situation.rows.filter { row in
      row.offer == seller.offer.name.bytes && (row.version == nil || row.version == seller.id)
    }
    let given = rows.filter { $0.grant.kind != .revoked && !$0.grant.span.isEmpty }
    if given.contains(where: { $0.grant.span.contains(nowMs) }),
      let revoked = rows.first(where: { $0.grant.kind == .revoked && $0.grant.span.contains(nowMs) }
      )
    {
      return .revoked(row: revoked.id, revoked.grant.span)
    }
    let next = situation.access.filter { $0.version == seller.id && $0.span.startsAtMs > nowMs }
    if let fromMs = next.map(\.span.startsAtMs).min() { return .later(fromMs: fromMs) }
    let ends = given.map(\.grant.span.endsAtMs).filter { $0 <= nowMs }
    return ends.max().map { .ended(atMs: $0) } ?? .never
  }

  /// Why a client may or may not publish to a topic.
  enum WriteReason: Hashable {
    case configured(TopicFilter)
    case sold(Name)
    case free(TopicFilter)
    case own
    case other

    var decision: Decision {
      switch self {
      case .configured: .allow
      case .sold, .free, .own: .deny
      case .other: .defer
      }
    }
  }

  var writeReason: WriteReason {
    if let filter = entry.flatMap({ matches($0.publish) }) { return .configured(filter) }
    if let filter = matches(configuration.access.free) { return .free(filter) }
    if let seller = sellers.first { return .sold(seller.offer.name) }
    return isOwn ? .own : .other
  }
}

extension Why.Holding {
  /// How far from access it is.
  fileprivate var distance: Int {
    switch self {
    case .revoked: 0
    case .later: 1
    case .ended: 2
    case .never: 3
    }
  }
}

extension Span {
  fileprivate var isEmpty: Bool { startsAtMs >= endsAtMs }
}

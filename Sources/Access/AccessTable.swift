public import PaywallCore

/// The answer to "may this client do this to this topic now?".
public enum Decision: Hashable, Sendable {
  /// Yes, whatever others say.
  case allow
  /// No, whatever others say.
  case deny
  /// Not our question: the broker's other access rules decide.
  case `defer`
}

/// When an account may read what an offer version sells.
public struct OfferAccess: Hashable, Sendable {
  /// The offer version.
  public var offer: OfferKey
  /// When.
  public var span: Span

  /// Access of the given parts.
  public init(offer: OfferKey, span: Span) {
    self.offer = offer
    self.span = span
  }
}

/// Answers access questions from memory, on the broker's main thread.
///
/// Not `Sendable`: one thread owns it. Others hand changes over through a `ChangeQueue`.
public struct AccessTable: ~Copyable {
  private var rules: AccessRules
  private var bought = BytesTable<[OfferAccess]>()
  private var cache: [CachedClass?]

  private struct CachedClass {
    var topic: [UInt8]
    var topicClass: AccessRules.TopicClass
  }

  /// A table without any bought access.
  public init(rules: AccessRules) {
    self.rules = rules
    cache = Array(repeating: nil, count: Self.cacheSize)
  }

  /// Takes over a change.
  public mutating func apply(_ change: AccessChange) {
    switch change {
    case .rules(let rules):
      self.rules = rules
      cache = Array(repeating: nil, count: Self.cacheSize)
    case .account(let username, let access):
      bought.set(access.isEmpty ? nil : access, for: username)
    }
  }

  /// Whether a message of a topic may go to a client.
  ///
  /// - Parameters:
  ///   - topic: The topic.
  ///   - username: The client's name inside the broker; nil for an anonymous client.
  ///   - nowMs: The tangle's time.
  /// - Returns: Never `defer` for a topic that is sold.
  /// - Complexity: Independent of the number of accounts and offers, but for offers that sell this
  ///   very topic.
  public mutating func mayRead(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> Decision {
    let topicClass = classify(topic)
    if topicClass.isFree { return .allow }
    if !topicClass.offers.isEmpty {
      guard let username else { return .deny }
      let isAllowed =
        holdsAccess(username, to: topicClass.offers, nowMs: nowMs)
        || isAmong(topicClass.readers, username)
      return isAllowed ? .allow : .deny
    }
    guard Self.isPaywallTopic(topic) else { return .defer }
    if topic.elementsEqual(Self.offersTopic) { return .allow }
    return username.flatMap { rules.accountIndex($0) } == nil ? .deny : .allow
  }

  /// Whether a client may publish to a topic.
  public mutating func mayWrite(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?
  ) -> Decision {
    let topicClass = classify(topic)
    if let username, isAmong(topicClass.publishers, username) { return .allow }
    let isOurs = topicClass.isFree || !topicClass.offers.isEmpty || Self.isPaywallTopic(topic)
    return isOurs ? .deny : .defer
  }

  /// Whether a client may subscribe to a filter, `$share/…` included.
  ///
  /// Reading is what is judged at each delivery, so that a payment takes effect without a new
  /// SUBSCRIBE. But a member of a shared subscription who may not read would swallow the messages of
  /// the others.
  public func maySubscribe(
    _ filter: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> Decision {
    guard let subscription = Subscription(filter) else { return .allow }
    let filter = subscription.filter
    let touched = rules.sold.filter { sold in
      sold.filter.overlaps(filter) && !rules.free.contains { $0.covers(sold.filter) }
    }
    guard !touched.isEmpty, !mayReadUnpaid(filter, username) else { return .allow }
    let readable = touched.filter { sold in
      username.map { holdsAccess($0, to: [sold.offer], nowMs: nowMs) } ?? false
    }
    if subscription.isShared {
      let isAllReadable = touched.allSatisfy { sold in
        readable.contains { $0.filter.covers(sold.filter) }
      }
      return isAllReadable ? .allow : .deny
    }
    let isWhollySold = touched.contains { $0.filter.covers(filter) }
    return rules.isSubscribeStrict && isWhollySold && readable.isEmpty ? .deny : .allow
  }

  /// Whether a filter asks for anything that is sold.
  public func concernsSold(_ filter: UnsafeRawBufferPointer) -> Bool {
    guard let subscription = Subscription(filter) else { return false }
    return rules.sold.contains { $0.filter.overlaps(subscription.filter) }
  }

  private func mayReadUnpaid(_ filter: TopicFilter, _ username: UnsafeRawBufferPointer?) -> Bool {
    guard let account = username.flatMap({ rules.accountIndex($0) }) else { return false }
    return rules.accounts[account].read.contains { $0.covers(filter) }
  }

  private func holdsAccess(
    _ username: UnsafeRawBufferPointer, to offers: [OfferKey], nowMs: Int64
  ) -> Bool {
    guard let access = bought.value(for: username) else { return false }
    return access.contains { $0.span.contains(nowMs) && offers.contains($0.offer) }
  }

  private func isAmong(_ accounts: [Int], _ username: UnsafeRawBufferPointer) -> Bool {
    guard !accounts.isEmpty, let account = rules.accountIndex(username) else { return false }
    return accounts.contains(account)
  }

  /// The rules of a topic, remembered, for a topic is asked about once for each of its subscribers.
  private mutating func classify(_ topic: UnsafeRawBufferPointer) -> AccessRules.TopicClass {
    var hasher = Hasher()
    hasher.combine(bytes: topic)
    let slot = hasher.finalize() & (Self.cacheSize - 1)
    if let cached = cache[slot],
      cached.topic.withUnsafeBytes({ $0.elementsEqual(topic) })
    {
      return cached.topicClass
    }
    let topicClass = rules.classify(topic)
    cache[slot] = CachedClass(topic: Array(topic), topicClass: topicClass)
    return topicClass
  }

  private static func isPaywallTopic(_ topic: UnsafeRawBufferPointer) -> Bool {
    topic.starts(with: paywallPrefix) || topic.elementsEqual(paywallPrefix.dropLast())
  }

  /// A power of two.
  ///
  /// Topics that share a slot only evict each other, so that a flood of topics costs
  /// time but no memory.
  private static let cacheSize = 1024
  private static let paywallPrefix = Array("$SYS/paywall/".utf8)
  private static let offersTopic = Array("$SYS/paywall/offers".utf8)
}

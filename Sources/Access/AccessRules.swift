import Glibc
public import PaywallCore

/// What the configuration says about topics, and what is sold: built once, then only read.
///
/// It keeps the classes of topics that were asked about, so one thread at a time may use it.
public struct AccessRules: ~Copyable, Sendable {
  /// What a configured account may do beyond what others may.
  public struct ConfiguredAccount: Hashable, Sendable {
    /// The name inside the broker.
    public var username: [UInt8]
    /// Where it may publish.
    public var publish: [TopicFilter]
    /// What it may read without paying.
    public var read: [TopicFilter]

    /// An account of the given rights.
    public init(username: [UInt8], publish: [TopicFilter], read: [TopicFilter]) {
      self.username = username
      self.publish = publish
      self.read = read
    }
  }

  enum Rule: Hashable, BitwiseCopyable, Sendable {
    case free
    case sold(OfferKey)
    case publish(account: Int)
    case read(account: Int)
  }

  let subscribing: SubscribeRules
  private let tree: TopicTree<Rule>
  private let accounts: [ConfiguredAccount]
  private let accountIndex: TagIndex
  private let hash = KeyedHash()
  /// Of offers that limit it: how many connections of one account may read at once.
  private let connectionLimits: [OfferKey: Int]
  private var cache: TopicCache

  /// Rules of the given parts.
  ///
  /// - Parameters:
  ///   - free: Topics that anyone may read.
  ///   - sold: Topics that are sold, by offer version: those on sale, and those whose time was sold
  ///     earlier and still runs; with how many connections of one account may read it at once,
  ///     0: any number.
  ///   - accounts: Configured accounts.
  ///   - isSubscribeStrict: Whether a SUBSCRIBE is refused where none of it could be read.
  public init(
    free: [TopicFilter], sold: [(offer: OfferKey, topics: [TopicFilter], clients: Int)],
    accounts: [ConfiguredAccount], isSubscribeStrict: Bool = false
  ) {
    connectionLimits = Dictionary(
      sold.lazy.filter { $0.clients > 0 }.map { ($0.offer, $0.clients) }, uniquingKeysWith: max)
    let sold = sold.flatMap { entry in entry.topics.map { (offer: entry.offer, filter: $0) } }
    var rules: [(filter: TopicFilter, value: Rule)] = free.map { ($0, .free) }
    rules += sold.map { ($0.filter, .sold($0.offer)) }
    for (number, account) in accounts.enumerated() {
      rules += account.publish.map { ($0, .publish(account: number)) }
      rules += account.read.map { ($0, .read(account: number)) }
    }
    tree = TopicTree(rules)
    subscribing = SubscribeRules(
      free: free, sold: sold, connectionLimits: connectionLimits, isStrict: isSubscribeStrict)
    cache = TopicCache(slots: max(Self.smallestCache, Self.cacheSlotsPerRule * rules.count))
    self.accounts = accounts
    accountIndex = TagIndex(capacity: accounts.count)
    for (number, account) in accounts.enumerated() {
      accountIndex.insert(account.username.withUnsafeBytes { hash($0) }, number)
    }
  }

  /// The rules that a topic falls under, valid until the next question.
  ///
  /// The topic is as the broker has it, with a NUL behind it.
  @inline(__always)
  mutating func topicClass(_ topic: UnsafePointer<CChar>) -> UnsafePointer<TopicClass> {
    cache.findLatest(topic) ?? find(topic)
  }

  @inline(never)
  private mutating func find(_ topic: UnsafePointer<CChar>) -> UnsafePointer<TopicClass> {
    let topic = UnsafeRawBufferPointer(start: topic, count: strlen(topic))
    return cache.find(topic) ?? classified(topic)
  }

  @inline(never)
  private mutating func classified(_ topic: UnsafeRawBufferPointer) -> UnsafePointer<TopicClass> {
    let topicClass = classify(topic)
    return cache.keep(topicClass, for: topic)
  }

  /// Whether a configured account may read a topic without paying.
  func isReader(_ username: UnsafeRawBufferPointer, of topic: UnsafeRawBufferPointer) -> Bool {
    guard let number = accountNumber(username) else { return false }
    return tree.contains(matching: topic) { $0 == .read(account: number) }
  }

  /// Whether a configured account may publish to a topic.
  func isPublisher(_ username: UnsafeRawBufferPointer, of topic: UnsafeRawBufferPointer) -> Bool {
    guard let number = accountNumber(username) else { return false }
    return tree.contains(matching: topic) { $0 == .publish(account: number) }
  }

  /// Whether an account holds any of the offers that sell a topic, however many those are.
  func isHeld(
    _ topic: UnsafeRawBufferPointer, by account: UnsafePointer<AccountRecord>, nowMs: Int64
  ) -> Bool {
    tree.contains(matching: topic) { rule in
      if case .sold(let offer) = rule { account.holds(offer, nowMs) } else { false }
    }
  }

  /// Whether any offer limits how many connections of one account may read at once.
  var hasConnectionLimits: Bool { !connectionLimits.isEmpty }

  /// How many connections of an account may read a topic at once, by what it holds; nil: any number.
  func connectionLimit(
    _ topic: UnsafeRawBufferPointer, of account: UnsafePointer<AccountRecord>, nowMs: Int64
  ) -> Int? {
    var limit: Int? = 0
    _ = tree.contains(matching: topic) { rule in
      guard case .sold(let offer) = rule, account.holds(offer, nowMs) else { return false }
      limit = connectionLimits[offer].flatMap { most in limit.map { max($0, most) } }
      return false
    }
    return limit
  }

  /// Whether there is a configured account of this name.
  func isConfigured(_ username: UnsafeRawBufferPointer) -> Bool {
    accountNumber(username) != nil
  }

  /// Whether a configured account may read all that a filter matches without paying.
  func isReader(_ username: UnsafeRawBufferPointer, ofAll filter: TopicFilter) -> Bool {
    accountNumber(username).map { accounts[$0].read.contains { $0.covers(filter) } } ?? false
  }

  private func accountNumber(_ username: UnsafeRawBufferPointer) -> Int? {
    let found = accountIndex.find(hash(username)) { number in
      accounts[number].username.withUnsafeBytes { $0.hasSameBytes(as: username) }
    }
    return found?.position
  }

  private func classify(_ topic: UnsafeRawBufferPointer) -> TopicClass {
    var result = TopicClass()
    result.own = TopicClass.Own(topic)
    _ = tree.contains(matching: topic) { rule in
      switch rule {
      case .free: result.isFree = true
      case .sold(let offer): result.add(offer)
      case .publish: result.hasPublishers = true
      case .read: result.hasReaders = true
      }
      return false
    }
    return result
  }

  private static let smallestCache = 1024
  /// Few enough topics of literal rules then share a slot.
  private static let cacheSlotsPerRule = 8
}

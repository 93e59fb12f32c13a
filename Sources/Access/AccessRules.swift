public import PaywallCore

/// What an offer version is called in memory: the number of its row in the ledger.
public typealias OfferKey = Int64

/// What the configuration says about topics, and what is sold: built once, then only read.
public struct AccessRules: Sendable {
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

  /// The rules that a topic falls under.
  struct TopicClass {
    var isFree = false
    /// The offer versions that sell it.
    var offers: [OfferKey] = []
    /// Configured accounts, by position, that may publish or read it.
    var publishers: [Int] = []
    var readers: [Int] = []
  }

  private enum Rule {
    case free
    case sold(OfferKey)
    case publish(account: Int)
    case read(account: Int)
  }

  /// A SUBSCRIBE is refused where none of it could be read (`subscribe = "strict"`).
  let isSubscribeStrict: Bool
  /// What is sold.
  let sold: [(offer: OfferKey, filter: TopicFilter)]
  let free: [TopicFilter]
  let accounts: [ConfiguredAccount]
  private var tree = TopicTree<Rule>()
  private var accountIndexes = BytesTable<Int>()

  /// Rules of the given parts.
  ///
  /// - Parameters:
  ///   - free: Topics that anyone may read.
  ///   - sold: Topics that are sold, by offer version: those on sale, and those whose time was sold
  ///     earlier and still runs.
  ///   - accounts: Configured accounts.
  ///   - isSubscribeStrict: Whether a SUBSCRIBE is refused where none of it could be read.
  public init(
    free: [TopicFilter], sold: [(offer: OfferKey, topics: [TopicFilter])],
    accounts: [ConfiguredAccount], isSubscribeStrict: Bool = false
  ) {
    self.free = free
    self.sold = sold.flatMap { entry in entry.topics.map { (entry.offer, $0) } }
    self.accounts = accounts
    self.isSubscribeStrict = isSubscribeStrict
    for filter in free { tree.insert(.free, for: filter) }
    for (offer, filter) in self.sold { tree.insert(.sold(offer), for: filter) }
    for (index, account) in accounts.enumerated() {
      accountIndexes.set(index, for: account.username)
      for filter in account.publish { tree.insert(.publish(account: index), for: filter) }
      for filter in account.read { tree.insert(.read(account: index), for: filter) }
    }
  }

  /// The rules that a topic falls under.
  func classify(_ topic: UnsafeRawBufferPointer) -> TopicClass {
    var result = TopicClass()
    tree.forEachMatch(of: topic) { rule in
      switch rule {
      case .free: result.isFree = true
      case .sold(let offer): result.offers.append(offer)
      case .publish(let account): result.publishers.append(account)
      case .read(let account): result.readers.append(account)
      }
    }
    return result
  }

  /// The configured account of a name, by position.
  func accountIndex(_ username: UnsafeRawBufferPointer) -> Int? {
    accountIndexes.value(for: username)
  }
}

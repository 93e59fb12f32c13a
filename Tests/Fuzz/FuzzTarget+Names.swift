@testable import Access
import CMosquitto
import IOTACrypto
import PaywallCore

extension FuzzTarget {
  /// A topic, or a filter, and the filters of a tree, with NULs between.
  static let topicTree = FuzzTarget(name: "topic-tree") { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 64, omittingEmptySubsequences: false)
    let topic = Array(parts[0])
    let filters = parts.dropFirst().compactMap { TopicFilter($0) }
    let tree = TopicTree(filters.enumerated().map { (filter: $1, value: $0) })
    let matching = filters.indices.filter { filters[$0].matches(topic: topic) }
    let found = numbers { note in
      topic.withUnsafeBytes { tree.contains(matching: $0, where: note) }
    }
    try promise(found == matching, "a tree finds the filters that match")
    let expected = kinds(byFilters: matching)
    try promise(
      kinds(of: topic, filters) == [expected, expected], "rules know what is free and sold")
    guard let filter = TopicFilter(topic) else { return }
    if mosquitto_pub_topic_check(filter.description) == MOSQ_ERR_SUCCESS.rawValue {
      let expected = filters.indices.filter { mosquittoMatches(filters[$0].bytes, topic) }
      try promise(found == expected, "a tree finds the filters that libmosquitto finds")
    }
    let covering = filters.indices.filter { filters[$0].covers(filter) }
    try promise(
      numbers { tree.contains(covering: filter, where: $0) } == covering,
      "a tree finds the filters that cover another")
    let overlapping = filters.indices.filter { filters[$0].overlaps(filter) }
    try promise(
      numbers { tree.contains(overlapping: filter, where: $0) } == overlapping,
      "a tree finds the filters that overlap another")
  }

  /// A client's name; with another text behind a NUL, it logs in there as a wallet.
  static let name = FuzzTarget(name: "name") { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let username = Array(parts[0])
    if let account = Account(username: username) {
      try promise(
        Account(username: account.username) == account, "an account is the one of its name")
      try promise(
        account.kind == "wallet" || account.username == username, "a name is kept byte by byte")
      try promise(
        (account.kind != "broker") == Account.isReserved(username: username),
        "what is reserved is none of the broker's accounts")
      try promise(isClientsText(username), "a client can send a name that accounts can have")
    }
    try promise(
      Account(username: username).map { $0.kind != "wallet" } ?? false
        == (BuyerLogin.name(username) != nil), "a buyer's name is one that is no wallet's")
    try subscribed(username)
    guard let realm = parts.dropFirst().first.map({ String(decoding: $0, as: UTF8.self) }) else {
      return
    }
    try loggedIn(
      to: realm, until: 1 + Int64(username.count), not: String(decoding: username, as: UTF8.self))
  }

  /// The numbers that a search tells of, in order.
  private static func numbers(_ search: (_ note: (Int) -> Bool) -> Bool) -> [Int] {
    var found: [Int] = []
    _ = search { number in
      found.append(number)
      return false
    }
    return found.sorted()
  }

  /// Whether a topic is free, and how many offers sell it, at most as many as a class keeps.
  private struct Kinds: Equatable {
    var isFree: Bool
    var offerCount: Int
  }

  /// Every third filter is free, and the others are sold, each by an offer of its own.
  private static func kinds(byFilters matching: [Int]) -> Kinds {
    Kinds(
      isFree: matching.contains { $0 % 3 == 0 },
      offerCount: min(TopicClass.offerLimit, matching.count { $0 % 3 != 0 }))
  }

  /// The same by the rules, asked twice: the second answer is remembered.
  private static func kinds(of topic: [UInt8], _ filters: [TopicFilter]) -> [Kinds] {
    let numbered = filters.enumerated()
    var rules = AccessRules(
      free: numbered.filter { $0.offset % 3 == 0 }.map(\.element),
      sold: numbered.filter { $0.offset % 3 != 0 }.map { (Int64($0.offset), [$0.element], 0) },
      accounts: [])
    var kinds: [Kinds] = []
    for _ in 0..<2 {
      (topic + [0]).withUnsafeBytes { text in
        let pointer = text.assumingMemoryBound(to: CChar.self)
        guard let start = pointer.baseAddress else { return }
        let found = rules.topicClass(start).pointee
        kinds.append(Kinds(isFree: found.isFree, offerCount: Int(found.offerCount)))
      }
    }
    return kinds
  }

  /// What a client may subscribe to is read, and nothing else; a share's filter is what it shares.
  private static func subscribed(_ bytes: [UInt8]) throws {
    let text = String(decoding: bytes, as: UTF8.self)
    let subscription = Subscription(bytes)
    guard isClientsText(bytes), !bytes.isEmpty else { return }
    let isFilter = mosquitto_sub_topic_check(text) == MOSQ_ERR_SUCCESS.rawValue
    guard bytes.starts(with: "$share/".utf8) else {
      return try promise((subscription != nil) == isFilter, "a subscription is a filter")
    }
    guard let subscription else { return }
    try promise(subscription.isShared, "a share is shared")
    try promise(bytes.hasSuffix(subscription.filter.bytes), "a share is of what stands in it")
  }

  /// A login holds for its realm, its address and its time, and no others.
  private static func loggedIn(
    to realm: String, until expiryS: Int64, not other: String
  ) throws {
    let password = WalletLogin.password(key: Seeds.key, realm: realm, expiryS: expiryS)
    let name = Seeds.key.address.description
    try promise(
      WalletLogin.verify(username: name, password: password, realm: realm)
        == .valid(Seeds.key.address, expiryS: expiryS), "a wallet's login is valid")
    try promise(
      WalletLogin.verify(username: Seeds.seller.description, password: password, realm: realm)
        == .invalid, "a login is of one address")
    let signature = password.drop { $0 != "." }
    try promise(
      WalletLogin.verify(username: name, password: "\(expiryS + 1)\(signature)", realm: realm)
        == .invalid, "a login is for one time")
    guard !other.utf8.elementsEqual(realm.utf8) else { return }
    try promise(
      WalletLogin.verify(username: name, password: password, realm: other) == .invalid,
      "a login is for one realm")
  }

  /// Whether libmosquitto takes a text from a client.
  private static func isClientsText(_ bytes: [UInt8]) -> Bool {
    // It reads behind the end of a text whose last character is cut off, up to a NUL.
    (bytes + [0]).withUnsafeBytes { text in
      mosquitto_validate_utf8(
        text.assumingMemoryBound(to: CChar.self).baseAddress, CInt(bytes.count))
        == MOSQ_ERR_SUCCESS.rawValue
    }
  }
}

extension [UInt8] {
  fileprivate func hasSuffix(_ end: [UInt8]) -> Bool { suffix(end.count).elementsEqual(end) }
}

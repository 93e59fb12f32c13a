import MallocCount
import PaywallCore
import TestSupport
import Testing

@testable import Access

/// The table against the decision rules written down as plainly as can be, in random worlds.
struct DifferentialTests {
  fileprivate struct Naive {
    var free: [TopicFilter] = []
    var sold: [(offer: OfferKey, topics: [TopicFilter], clients: Int)] = []
    var accounts: [AccessRules.ConfiguredAccount] = []
    var isStrict = false
    var bought: [Username: [OfferAccess]] = [:]

    var rules: AccessRules {
      AccessRules(
        free: free, sold: sold, accounts: accounts, isSubscribeStrict: isStrict)
    }

    func holds(_ username: Username?, _ offer: OfferKey, _ nowMs: Int64) -> Bool {
      username.flatMap { bought[$0] }?.contains {
        $0.offer == offer && $0.span.contains(nowMs)
      } ?? false
    }

    func account(_ username: Username?) -> AccessRules.ConfiguredAccount? {
      accounts.first { $0.username == username }
    }

    func isOwn(_ topic: [UInt8]) -> Bool {
      let text = String(decoding: topic, as: UTF8.self)
      return text == "$SYS/paywall" || text.hasPrefix("$SYS/paywall/")
    }

    func mayRead(_ topic: [UInt8], _ username: Username?, _ nowMs: Int64) -> Decision {
      if free.contains(where: { $0.matches(topic: topic) }) { return .allow }
      let sellers = sold.filter { $0.topics.contains { $0.matches(topic: topic) } }
      if !sellers.isEmpty {
        if sellers.contains(where: { holds(username, $0.offer, nowMs) }) { return .allow }
        let isReader = account(username)?.read.contains { $0.matches(topic: topic) } ?? false
        return isReader ? .allow : .deny
      }
      guard isOwn(topic) else { return .defer }
      if topic == Array("$SYS/paywall/offers".utf8) { return .allow }
      return account(username) == nil ? .deny : .allow
    }

    func mayWrite(_ topic: [UInt8], _ username: Username?) -> Decision {
      if account(username)?.publish.contains(where: { $0.matches(topic: topic) }) ?? false {
        return .allow
      }
      let filters = free + sold.flatMap(\.topics)
      return isOwn(topic) || filters.contains { $0.matches(topic: topic) } ? .deny : .defer
    }

    /// How many connections may read at once what ``mayRead(_:_:_:)`` allows.
    func connectionLimit(_ topic: [UInt8], _ username: Username?, _ nowMs: Int64) -> Int? {
      if free.contains(where: { $0.matches(topic: topic) }) { return nil }
      if account(username)?.read.contains(where: { $0.matches(topic: topic) }) ?? false {
        return nil
      }
      return most(
        of: sold.filter { entry in
          entry.topics.contains { $0.matches(topic: topic) } && holds(username, entry.offer, nowMs)
        }.map(\.clients))
    }

    /// What offers allow together; nil: any number.
    func most(of clients: [Int]) -> Int? {
      clients.contains(0) ? nil : clients.max()
    }

    func judgeSubscribe(
      _ bytes: [UInt8], _ username: Username?, _ nowMs: Int64
    ) -> SubscribeVerdict {
      guard let subscription = Subscription(bytes) else {
        return SubscribeVerdict(decision: .allow, isShared: false, concernsSold: false)
      }
      let filter = subscription.filter
      var verdict = SubscribeVerdict(
        decision: .allow, isShared: subscription.isShared, concernsSold: false)
      if free.contains(where: { $0.covers(filter) }) { return verdict }
      let touched = sold.flatMap { entry in entry.topics.map { (entry.offer, $0, entry.clients) } }
        .filter { sold in
          sold.1.overlaps(filter) && !free.contains { $0.covers(sold.1) }
        }
      verdict.concernsSold = !touched.isEmpty
      let isReader = account(username)?.read.contains { $0.covers(filter) } ?? false
      if touched.isEmpty || isReader { return verdict }
      let readable = touched.filter { holds(username, $0.0, nowMs) }
      if subscription.isShared {
        let isReadable = touched.allSatisfy { sold in readable.contains { $0.1.covers(sold.1) } }
        if isReadable {
          verdict.connectionLimit = touched.compactMap { sold in
            most(of: readable.filter { $0.1.covers(sold.1) }.map(\.2))
          }.min()
        } else {
          verdict.decision = .deny
        }
        return verdict
      }
      let isWhollySold = touched.contains { $0.1.covers(filter) }
      if isStrict && isWhollySold && readable.isEmpty { verdict.decision = .deny }
      return verdict
    }
  }

  private struct Random {
    var random: SplitMix64

    mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

    mutating func topic(_ names: [String], _ length: ClosedRange<Int> = 1...3) -> [UInt8] {
      let text = (0..<number(length)).map { _ in names[number(0...names.count - 1)] }
        .joined(separator: "/")
      // Some are too long for a slot of the cache, and some for any.
      switch number(0...60) {
      case 0: return Array((text + String(repeating: "x", count: 100)).utf8)
      case 1: return Array((text + "/" + String(repeating: "y/", count: 95)).utf8)
      default: return Array(text.utf8)
      }
    }

    mutating func topic() -> [UInt8] {
      number(0...9) > 0
        ? topic(["a", "b", "c", "", "é", "$SYS"])
        : Array(["$SYS/paywall", "$SYS/paywall/offers", "$SYS/paywall/key"][number(0...2)].utf8)
    }

    mutating func filters(_ count: ClosedRange<Int>) -> [TopicFilter] {
      (0..<number(count)).compactMap { _ in TopicFilter(topic(["a", "b", "", "+", "#", "$SYS"])) }
    }

    mutating func username() -> Username? {
      let names = [
        "", "x", "y", "buyer:x", "agent", "friend", String(repeating: "0x", count: 33),
        String(repeating: "long", count: 40),
      ]
      let number = number(0...names.count)
      return number < names.count ? Array(names[number].utf8) : nil
    }

    mutating func access() -> [OfferAccess] {
      (0..<max(0, number(-2...6))).map { _ in
        let start = Int64(number(0...9))
        return OfferAccess(
          offer: OfferKey(number(0...6)),
          span: Span(startsAtMs: start, endsAtMs: start + Int64(number(0...6))))
      }
    }

    mutating func change(_ naive: inout Naive) {
      naive.free = filters(0...2)
      let hasLimits = number(0...1) == 1
      naive.sold = (0..<number(0...6)).map {
        (OfferKey($0), filters(1...3), hasLimits ? number(0...3) : 0)
      }
      naive.isStrict = number(0...1) == 1
      naive.accounts = ["agent", "friend"].map {
        .init(username: Array($0.utf8), publish: filters(0...2), read: filters(0...2))
      }
    }
  }

  @Test func `decides as the rules say, whatever changes`() {
    let seed = testSeed()
    var random = Random(random: SplitMix64(seed: seed))
    var naive = Naive()
    let queue = ChangeQueue()
    let table = AccessTable(
      rules: naive.rules, accounts: AccountTable(capacity: 20), changes: queue)
    for step in 0..<1500 {
      switch random.number(0...9) {
      case 0:
        random.change(&naive)
        queue.push(rules: naive.rules)
      case 1:
        var accounts = AccountTable(capacity: 20)
        naive.bought = [:]
        for _ in 0..<5 {
          guard let username = random.username() else { continue }
          naive.set(random.access(), of: username)
        }
        for (username, access) in naive.bought { _ = accounts.set(access, of: username) }
        queue.push(accounts: accounts)
      default:
        guard let username = random.username() else { continue }
        naive.set(random.access(), of: username)
        queue.push(changes: [
          AccountAccess(username: username, access: naive.bought[username] ?? [])
        ])
      }
      table.applyChanges()
      if step.isMultiple(of: 7) { queue.freeApplied() }
      for _ in 0..<20 { compare(naive, table, &random, "seed \(seed), step \(step)") }
    }
  }

  private func compare(
    _ naive: Naive, _ table: borrowing AccessTable, _ random: inout Random, _ place: String
  ) {
    let (topic, username) = (random.topic(), random.username())
    let nowMs = Int64(random.number(0...15))
    let words = ["a", "b", "", "+", "#", "$SYS", "$share/g"]
    let filter = random.topic(words, 1...4)
    let details = "\(place), \(String(decoding: topic, as: UTF8.self)), \(username ?? [])"
    let found = withBytes(topic, username) { topic, username in
      (
        table.mayRead(topic, username: username, nowMs: nowMs),
        table.mayWrite(topic, username: username),
        table.connectionLimit(topic, username: username, nowMs: nowMs)
      )
    }
    #expect(found.0 == naive.mayRead(topic, username, nowMs), "READ \(details) at \(nowMs)")
    #expect(found.1 == naive.mayWrite(topic, username), "WRITE \(details)")
    if found.0 == .allow {
      let limit = naive.connectionLimit(topic, username, nowMs)
      #expect(found.2 == limit, "connections: READ \(details) at \(nowMs)")
      #expect(limit == nil || table.hasConnectionLimits)
    }
    let subscribed = withBytes(filter, username) {
      table.judgeSubscribe($0, username: $1, nowMs: nowMs)
    }
    #expect(
      subscribed == naive.judgeSubscribe(filter, username, nowMs),
      "SUBSCRIBE \(String(decoding: filter, as: UTF8.self)), \(details) at \(nowMs)")
  }

  private func withBytes<Result>(
    _ first: [UInt8], _ second: [UInt8]?,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) -> Result
  ) -> Result {
    first.withUnsafeBytes { first in
      guard let second else { return body(first, nil) }
      return second.withUnsafeBytes { body(first, $0) }
    }
  }

  @Test func `a check allocates nothing`() throws {
    var random = Random(random: SplitMix64(seed: testSeed()))
    var naive = Naive()
    random.change(&naive)
    naive.sold = (0..<6).map { (OfferKey($0), random.filters(3...3), 0) }
    var accounts = AccountTable(capacity: 20)
    for name in ["x", "y", "buyer:x"] {
      _ = accounts.set(random.access() + random.access(), of: Array(name.utf8))
    }
    let table = AccessTable(rules: naive.rules, accounts: accounts)
    var decisions = 0
    var allocations = 0
    for round in 0..<3000 {
      // What the language's runtime sets up once is not a check's.
      if round == 1000 { allocations = 0 }
      let (topic, username) = (random.topic(), random.username())
      let topicText = topic.map { CChar(bitPattern: $0) } + [0]
      let usernameText = username.map { $0.map { CChar(bitPattern: $0) } + [0] }
      let before = malloc_count()
      if table.mayRead(topicText, username: usernameText, nowMs: { 5 }) == .allow { decisions += 1 }
      if table.mayWrite(topicText, username: usernameText) == .allow { decisions += 1 }
      allocations += malloc_count() - before
    }
    #expect(allocations == 0)
    let before = malloc_count()
    let array = Array(repeating: decisions, count: 100)
    try #require(array.count == 100)
    if before >= 0 { #expect(malloc_count() > before, "the counter counts") }
  }

  @Test func `topics and names that no broker lets through do no harm`() {
    let table = AccessTable(
      rules: AccessRules(
        free: [], sold: [(1, ["#", "a/+/#"].compactMap { TopicFilter($0) }, 0)], accounts: []),
      accounts: AccountTable(capacity: 0))
    let bytes: [[UInt8]] = [
      [], [0], [0xFF, 0xFE], Array(repeating: UInt8(ascii: "/"), count: 65_535),
      Array(repeating: UInt8(ascii: "a"), count: 65_535),
      Array(repeating: UInt8(ascii: "a"), count: 200_000), Array("#".utf8), Array("+/+".utf8),
    ]
    for topic in bytes {
      for username in bytes {
        withBytes(topic, username) { topic, username in
          let decision = table.mayRead(topic, username: username, nowMs: 1)
          // Their strings end with the first NUL.
          #expect(decision == ((topic.first ?? 0) == 0 ? .defer : .deny))
          #expect(table.mayRead(topic, username: username, nowMs: 1) == decision)
          _ = table.mayWrite(topic, username: username)
          _ = table.judgeSubscribe(topic, username: username, nowMs: 1)
        }
      }
    }
  }
}

extension DifferentialTests.Naive {
  fileprivate mutating func set(_ access: [OfferAccess], of username: Username) {
    // No account has such a name.
    let isPossible = (1...AccountRecord.longestName).contains(username.count)
    bought[username] = isPossible && !access.isEmpty ? access : nil
  }
}

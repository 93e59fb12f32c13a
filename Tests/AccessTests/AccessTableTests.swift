import PaywallCore
import Testing

@testable import Access

/// The decision table: who asks, for what, and what the answer is.
struct AccessTableTests {
  private static func filters(_ texts: String...) -> [TopicFilter] {
    texts.compactMap { TopicFilter($0) }
  }

  private static func rules(isSubscribeStrict: Bool = false) -> AccessRules {
    AccessRules(
      free: filters("sensor/1m", "sensor/free/#"),
      sold: [
        (1, filters("sensor/live", "sensor/free/not"), 2), (2, filters("data/#", "a/+/c"), 0),
      ],
      accounts: [
        .init(
          username: Array("agent".utf8), publish: filters("sensor/#"), read: filters("sensor/#")),
        .init(username: Array("friend".utf8), publish: [], read: filters("data/#")),
      ], isSubscribeStrict: isSubscribeStrict)
  }

  private static let access = [OfferAccess(offer: 1, span: Span(startsAtMs: 0, endsAtMs: 100))]

  private static func table(
    holder: String? = nil, access: [OfferAccess] = access, isSubscribeStrict: Bool = false
  ) -> AccessTable {
    var accounts = AccountTable(capacity: 1)
    if let holder {
      let isSet = accounts.set(access, of: Array(holder.utf8))
      #expect(isSet)
    }
    return AccessTable(rules: rules(isSubscribeStrict: isSubscribeStrict), accounts: accounts)
  }

  private func ask(
    _ text: String, _ username: String?,
    _ question: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) -> Decision
  ) -> Decision {
    Array(text.utf8).withUnsafeBytes { topic in
      guard let username else { return question(topic, nil) }
      return Array(username.utf8).withUnsafeBytes { question(topic, $0) }
    }
  }

  @Test(
    arguments: [
      ("sensor/1m", nil, .allow), ("sensor/1m", "anybody", .allow),
      ("sensor/free/not", nil, .allow),
      ("sensor/live", nil, .deny), ("sensor/live", "stranger", .deny),
      ("sensor/live", "agent", .allow),
      ("sensor/live", "friend", .deny), ("sensor/live", "buyer", .allow),
      ("data/x", "buyer", .deny),
      ("data", nil, .deny), ("data/x/y", "friend", .allow), ("a/b/c", "friend", .deny),
      ("a/b", nil, .defer), ("other", "agent", .defer), ("sensor/other", "agent", .defer),
      ("$SYS/paywall/offers", nil, .allow), ("$SYS/paywall/key", nil, .deny),
      ("$SYS/paywall/account", "buyer", .deny), ("$SYS/paywall/x", "friend", .allow),
      ("$SYS/paywall", nil, .deny), ("$SYS/paywallet", nil, .defer),
      ("$SYS/broker/uptime", nil, .defer),
    ] as [(String, String?, Decision)])
  func `READ`(topic: String, username: String?, decision: Decision) {
    let table = Self.table(holder: "buyer")
    let found = ask(topic, username) { table.mayRead($0, username: $1, nowMs: 50) }
    #expect(found == decision)
  }

  @Test(
    arguments: [
      ("sensor/live", "agent", .allow), ("sensor/1m", "agent", .allow),
      ("sensor/new", "agent", .allow),
      ("sensor/live", nil, .deny), ("sensor/1m", "stranger", .deny), ("data/x", "agent", .deny),
      ("data/x", "friend", .deny), ("other", nil, .defer), ("other", "agent", .defer),
      ("$SYS/paywall/offers", "agent", .deny), ("$CONTROL/x", "agent", .defer),
    ] as [(String, String?, Decision)])
  func `WRITE`(topic: String, username: String?, decision: Decision) {
    let table = Self.table()
    let found = ask(topic, username) { table.mayWrite($0, username: $1) }
    #expect(found == decision)
  }

  @Test(
    arguments: [
      ("sensor/live", nil, .allow, .deny), ("sensor/live", "buyer", .allow, .allow),
      ("sensor/#", nil, .allow, .allow), ("data/#", nil, .allow, .deny),
      ("data/x/+", nil, .allow, .deny),
      ("data/#", "friend", .allow, .allow), ("#", nil, .allow, .allow),
      ("sensor/1m", nil, .allow, .allow),
      ("sensor/free/not", nil, .allow, .allow), ("other", nil, .allow, .allow),
      ("$share/g/sensor/live", nil, .deny, .deny),
      ("$share/g/sensor/live", "buyer", .allow, .allow),
      ("$share/g/#", nil, .deny, .deny), ("$share/g/#", "buyer", .deny, .deny),
      ("$share/g/sensor/#", "buyer", .allow, .allow),
      ("$share/g/sensor/#", "agent", .allow, .allow),
      ("$share/g/sensor/1m", nil, .allow, .allow), ("$share/g/sensor/free/#", nil, .allow, .allow),
      ("$share/g/data/x", "friend", .allow, .allow), ("$share/g/other", nil, .allow, .allow),
    ] as [(String, String?, Decision, Decision)])
  func `SUBSCRIBE, open and strict`(
    filter: String, username: String?, open: Decision, strict: Decision
  ) {
    for (isStrict, decision) in [(false, open), (true, strict)] {
      let table = Self.table(holder: "buyer", isSubscribeStrict: isStrict)
      let found = ask(filter, username) {
        table.judgeSubscribe($0, username: $1, nowMs: 50).decision
      }
      #expect(found == decision, "strict: \(isStrict)")
    }
  }

  @Test func `a free topic within what is sold may be subscribed to`() {
    for isStrict in [false, true] {
      let rules = AccessRules(
        free: Self.filters("sensor/1m"), sold: [(1, Self.filters("sensor/#"), 0)], accounts: [],
        isSubscribeStrict: isStrict)
      let table = AccessTable(rules: rules)
      for filter in ["sensor/1m", "$share/g/sensor/1m"] {
        let verdict = Array(filter.utf8).withUnsafeBytes {
          table.judgeSubscribe($0, username: nil, nowMs: 1)
        }
        #expect(verdict.decision == .allow)
        #expect(!verdict.concernsSold)
      }
      let denied = ask("$share/g/sensor/2m", nil) {
        table.judgeSubscribe($0, username: $1, nowMs: 1).decision
      }
      #expect(denied == .deny)
    }
  }

  @Test func `access begins and ends by the clock, to the millisecond`() {
    let spans = [Span(startsAtMs: 100, endsAtMs: 200), Span(startsAtMs: 300, endsAtMs: 400)]
    let table = Self.table(holder: "x", access: spans.map { OfferAccess(offer: 1, span: $0) })
    for (nowMs, decision) in [
      (99, .deny), (100, .allow), (199, .allow), (200, .deny), (299, .deny), (300, .allow),
      (399, .allow), (400, .deny),
    ] as [(Int64, Decision)] {
      let found = ask("sensor/live", "x") { table.mayRead($0, username: $1, nowMs: nowMs) }
      #expect(found == decision)
    }
  }

  @Test func `names are compared as bytes`() {
    let table = Self.table(holder: "caf\u{E9}")
    let found = ask("sensor/live", "caf\u{E9}") { table.mayRead($0, username: $1, nowMs: 1) }
    #expect(found == .allow)
    #expect(
      ask("sensor/live", "cafe\u{301}") { table.mayRead($0, username: $1, nowMs: 1) } == .deny)
  }

  @Test func `a change holds from the next question on`() {
    let queue = ChangeQueue()
    let table = AccessTable(
      rules: Self.rules(), accounts: AccountTable(capacity: 1), changes: queue)
    func set(_ access: [OfferAccess]) {
      queue.push(changes: [AccountAccess(username: Array("x".utf8), access: access)])
      table.applyChanges()
    }
    func read(_ topic: String) -> Decision {
      ask(topic, "x") { table.mayRead($0, username: $1, nowMs: 1) }
    }
    #expect(read("sensor/live") == .deny)
    set(Self.access)
    #expect(read("sensor/live") == .allow)
    set([])
    #expect(read("sensor/live") == .deny)
    queue.push(rules: AccessRules(free: [], sold: [], accounts: []))
    table.applyChanges()
    #expect(read("sensor/live") == .defer)
  }

  @Test func `a flood of topics does no harm`() {
    let table = Self.table()
    for index in 0..<50_000 {
      let topic = index.isMultiple(of: 2) ? "data/\(index)" : "other/\(index)"
      let decision = ask(topic, nil) { table.mayRead($0, username: $1, nowMs: 1) }
      #expect(decision == (index.isMultiple(of: 2) ? .deny : .defer))
    }
    let found = ask("", nil) { table.mayRead($0, username: $1, nowMs: 1) }
    #expect(found == .defer)
  }
}

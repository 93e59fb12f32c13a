import Access
import PaywallCore

/// One SUBSCRIBE, as the plugin judges it.
enum SubscribeBench {
  static func run() {
    let world = World(buyers: 1000, offers: 1000, kind: .wildcard)
    let accounts = AccountTable(capacity: 1)
    var all = consume accounts
    let everything = (0..<world.offers).map {
      OfferAccess(offer: OfferKey($0), span: Span(startsAtMs: 0, endsAtMs: .max))
    }
    _ = all.set(everything, of: Array("all".utf8))
    let table = AccessTable(rules: world.rules, accounts: all)
    for filter in ["#", "sensor/17/live", "+/+/+/+/x", "$share/g/#", "$share/g/+/+/live"] {
      for username in ["stranger", "all"] { measure(table, filter, username) }
    }
  }

  private static func measure(
    _ table: borrowing AccessTable, _ filter: String, _ username: String
  ) {
    let count = 1000
    var decision = Decision.defer
    let (filterBytes, usernameBytes) = (Array(filter.utf8), Array(username.utf8))
    let time = filterBytes.withUnsafeBytes { filter in
      usernameBytes.withUnsafeBytes { username in
        Measure.each(of: count) {
          for _ in 0..<count {
            decision = table.judgeSubscribe(filter, username: username, nowMs: 1).decision
          }
        }
      }
    }
    Measure.report([
      "bench": "subscribe", "offers": 1000, "filter": filter, "username": username,
      "decision": "\(decision)", "ns": time.median, "best_ns": time.best,
    ])
  }
}

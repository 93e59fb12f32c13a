import Ledger
import PaywallCore

/// The accounts of which clients want to be told, and what they were told last; the watcher's.
struct WatchedAccounts {
  /// How long before its end access is said to end, in milliseconds; less for a short one.
  private static let soonMs: Int64 = 60_000
  /// How many requests are answered at a time.
  private static let requestLimit = 200

  private struct Watched {
    var status: AccountStatus
    /// When to say of which offer that its access ends soon.
    var soonAtMs: [Name: Int64] = [:]
    /// When something is to be said next; `.max`: not before it changes.
    var nextMs: Int64 = .max
  }

  private let ledger: Ledger
  private let exchange: NoticeExchange
  private var accounts: [Username: Watched] = [:]
  /// What was asked and is not answered yet.
  private var requests: [NoticeRequest] = []

  init(ledger: Ledger, exchange: NoticeExchange) {
    self.ledger = ledger
    self.exchange = exchange
  }

  /// Whether anybody wants to be told of an account.
  func contains(_ username: Username) -> Bool { accounts[username] != nil }

  /// Whether there is more to answer.
  var hasRequests: Bool { !requests.isEmpty }

  /// Answers what clients have asked, some at a time: payments are not to wait for all of them.
  mutating func takeRequests(nowMs: Int64) throws(LedgerError) {
    requests += exchange.requests.takeAll()
    var count = 0
    defer { requests.removeFirst(count) }
    for request in requests.prefix(Self.requestLimit) {
      try answer(request, nowMs: nowMs)
      count += 1
    }
  }

  private mutating func answer(_ request: NoticeRequest, nowMs: Int64) throws(LedgerError) {
    switch request {
    case .forget(let username): accounts[username] = nil
    case .watch(let username):
      let status = try ledger.status(of: username, nowMs: nowMs)
      // What has changed since is for those who were told before.
      if accounts[username] != nil { try look(at: username, nowMs: nowMs) }
      watch(username, status, nowMs: nowMs)
      send(username, status, nil, isAnswer: true)
    }
  }

  /// Tells of payments, each by itself.
  mutating func tell(of outcomes: [Ledger.Recorded.Outcome], nowMs: Int64) throws(LedgerError) {
    guard !accounts.isEmpty else { return }
    for outcome in outcomes {
      guard case .claimed(let account, let offer)? = outcome.assignment, contains(account.username)
      else { continue }
      var notice = AccountMessage.Notice(
        kind: outcome.bought == nil ? .tooLittle : .accepted, offer: offer.name.description,
        payment: outcome.payment.digest.description)
      let status = try ledger.status(of: account.username, nowMs: nowMs)
      if outcome.bought == nil {
        notice.missingNanos = status.offers.first { $0.name == offer.name }?.missingNanos
      }
      watch(account.username, status, nowMs: nowMs)
      send(account.username, status, notice)
    }
  }

  /// Tells of accounts what has changed otherwise, as by an admin.
  mutating func look(at usernames: some Sequence<Username>, nowMs: Int64) throws(LedgerError) {
    guard !accounts.isEmpty else { return }
    for username in usernames { try look(at: username, nowMs: nowMs) }
  }

  /// Looks at all accounts again.
  mutating func lookAtAll(nowMs: Int64) throws(LedgerError) {
    try look(at: Array(accounts.keys), nowMs: nowMs)
  }

  /// Tells what ends by the clock.
  mutating func follow(nowMs: Int64) throws(LedgerError) {
    for username in accounts.filter({ $0.value.nextMs <= nowMs }).keys {
      try look(at: username, nowMs: nowMs)
    }
  }

  private mutating func look(at username: Username, nowMs: Int64) throws(LedgerError) {
    guard let known = accounts[username] else { return }
    let status = try ledger.status(of: username, nowMs: nowMs)
    var notices: [AccountMessage.Notice] = []
    for offer in known.status.offers where offer.untilMs != nil {
      let now = status.offers.first { $0.name == offer.name }
      let name = offer.name.description
      if now?.untilMs == nil {
        notices.append(.init(kind: .ended, offer: name))
      } else if let soonAtMs = known.soonAtMs[offer.name], soonAtMs <= nowMs,
        now?.untilMs == offer.untilMs
      {
        notices.append(.init(kind: .endsSoon, offer: name))
      }
    }
    watch(username, status, nowMs: nowMs)
    for notice in notices { send(username, status, notice) }
    if notices.isEmpty, status != known.status { send(username, status, nil) }
  }

  /// Notes what an account holds, and when something is to be said of it.
  private mutating func watch(_ username: Username, _ status: AccountStatus, nowMs: Int64) {
    let known = accounts[username]
    var watched = Watched(status: status)
    for offer in status.offers {
      guard let untilMs = offer.untilMs else { continue }
      let before = known?.status.offers.first { $0.name == offer.name }
      if before?.untilMs == untilMs {
        // Said already where that time has passed.
        watched.soonAtMs[offer.name] = known?.soonAtMs[offer.name].flatMap {
          $0 > nowMs ? $0 : nil
        }
      } else {
        watched.soonAtMs[offer.name] = untilMs &- min(Self.soonMs, (untilMs &- nowMs) / 4)
      }
      watched.nextMs = min(watched.nextMs, watched.soonAtMs[offer.name] ?? untilMs, untilMs)
    }
    accounts[username] = watched
  }

  private func send(
    _ username: Username, _ status: AccountStatus, _ notice: AccountMessage.Notice?,
    isAnswer: Bool = false
  ) {
    exchange.notices.add(
      .account(
        username, payload: AccountMessage(username, status, notice).payload, isAnswer: isAnswer))
  }
}

import GRDB
import PaywallCore

@testable import Ledger

/// What is looked at after every step.
extension World {
  /// A row of `grants`, as it is in the file.
  struct GrantRow {
    var id: Int64
    var account: String
    var offer: String
    var kind: String
    var startsAtMs: Int64
    var endsAtMs: Int64
    var payment: String?
    var isOfVersion: Bool
  }

  struct Rows {
    var payments: Set<String> = []
    var pending: Set<String> = []
    var credits: Set<String> = []
    var grants: [GrantRow] = []

    var bought: [String] {
      grants.filter { $0.kind == "bought" }.map {
        "\($0.account)|\($0.offer)|\($0.startsAtMs)|\($0.endsAtMs)|\($0.payment ?? "")"
      }.sorted()
    }

    init(_ ledger: Ledger) throws {
      let sql = """
        SELECT 'P', digest, amount, state, ifnull(account, ''), ifnull(offer, ''), NULL, NULL
        FROM payments
        UNION ALL SELECT 'C', account, offer, nanos, NULL, NULL, NULL, NULL FROM credits
        UNION ALL SELECT kind, account, offer, starts_at, ends_at, payment, id, version FROM grants
        """
      (payments, pending, credits, grants) = try ledger.read { db in
        var payments: Set<String> = []
        var pending: Set<String> = []
        var credits: Set<String> = []
        var grants: [GrantRow] = []
        let rows = try Row.fetchCursor(db.cachedStatement(sql: sql))
        while let row = try rows.next() {
          let kind: String = row[0]
          let first: String = row[1]
          switch kind {
          case "P":
            let (amount, state): (Int64, String) = (row[2], row[3])
            if state == "pending" {
              pending.insert(first)
            } else {
              payments.insert("\(first)|\(amount)|\(state)|\(row[4] as String)|\(row[5] as String)")
            }
          case "C": credits.insert("\(first)|\(row[2] as String)|\(row[3] as Int64)")
          default:
            grants.append(
              GrantRow(
                id: row[6], account: first, offer: row[2], kind: kind, startsAtMs: row[3],
                endsAtMs: row[4], payment: row[5], isOfVersion: row[7] as Int64? != nil))
          }
        }
        return (payments, pending, credits, grants)
      }
    }
  }

  /// Checks all promises.
  ///
  /// - Parameter hasTurned: Whether the watcher has had its turn since time went on.
  func check(hasTurned: Bool) throws {
    guard let plugin else { return }
    let rows = try Rows(plugin.ledger)
    let history = PlainHistory(known.map { tangle[$0] }, offers)
    try checkHistory(rows, history)
    try checkGiven(rows, history)
    let access = access(rows, history)
    try checkReads(access, plugin, hasTurned: hasTurned)
    try checkLogins(plugin)
    try checkClock(plugin)
    spans = Dictionary(
      grouping: access.given.filter { $0.version != nil }, by: { "\($0.account)|\($0.offer)" }
    ).mapValues { $0.map { ($0.startsAtMs, $0.endsAtMs) } }
    lastAccess = access
  }

  private func checkHistory(_ rows: Rows, _ history: PlainHistory) throws {
    try compare(.once, "payments", rows.payments, history.payments)
    try compare(.once, "pending", rows.pending, Set(pending.map { tangle[$0].text }))
    try compare(.once, "credits", rows.credits, history.credits)
    let bought = rows.grants.filter { $0.kind == "bought" }.compactMap(\.payment)
    guard Set(bought).count == bought.count else {
      throw BrokenPromise(.once, "a payment has bought twice: \(rows.bought)")
    }
    let expected = history.bought.map(\.line).sorted()
    guard rows.bought == expected else {
      throw BrokenPromise(.history, "bought is \(rows.bought), should be \(expected)")
    }
  }

  func compare(
    _ promise: BrokenPromise.Promise, _ what: String, _ found: Set<String>, _ expected: Set<String>
  ) throws {
    guard found != expected else { return }
    throw BrokenPromise(
      promise,
      "\(what): too many \(found.subtracting(expected).sorted()), "
        + "missing \(expected.subtracting(found).sorted())")
  }

  /// Time that is given beside what is bought has a reason.
  private func checkGiven(_ rows: Rows, _ history: PlainHistory) throws {
    var provisional: Set<String> = []
    for row in rows.grants {
      switch (row.kind, row.payment) {
      case ("bought", _): break
      case ("made_good", let payment?):
        let transaction = tangle.first { $0.text == payment }
        let isYoung = (transaction?.checkpoint?.timeMs ?? .min) >= bornAtMs
        guard makesGood, isYoung, knownAtMs[payment] != nil else {
          throw BrokenPromise(.access, "made good for no reason: \(row)")
        }
      case ("granted", let payment?):
        let transaction = tangle.first { $0.text == payment }
        account.unclear.insert(row.account)
        guard let transaction, transaction.isPayerVerified, provisionalMs > 0,
          row.endsAtMs - row.startsAtMs <= provisionalMs, provisional.insert(payment).inserted,
          row.endsAtMs <= knownAtMs[payment].map({ max($0, row.startsAtMs) }) ?? .max
        else { throw BrokenPromise(.access, "provisional for no reason: \(row)") }
      default:
        let expected = row.kind == "granted" ? granted[row.id] : revoked[row.id]
        guard expected?.account == row.account, expected?.endsAtMs == row.endsAtMs else {
          throw BrokenPromise(.access, "nobody has written this row: \(row)")
        }
      }
    }
  }

  /// Who may read what, by what is known; time made good and provisional as the ledger has it.
  private func access(_ rows: Rows, _ history: PlainHistory) -> PlainAccess {
    var access = PlainAccess(offers: offers, free: free, readers: readers)
    let byPayment = Dictionary(
      history.bought.map { ($0.payment, $0.version) }, uniquingKeysWith: { $1 })
    access.given = history.bought.map {
      PlainAccess.Given(
        account: $0.account, offer: $0.version.terms.name, version: $0.version,
        startsAtMs: $0.startsAtMs, endsAtMs: $0.endsAtMs)
    }
    for row in rows.grants where row.kind != "bought" {
      guard let payment = row.payment else { continue }
      let timeMs = tangle.first { $0.text == payment }?.checkpoint?.timeMs
      let version =
        row.kind == "made_good"
        ? byPayment[payment] ?? timeMs.flatMap { offers.version(named: row.offer, atMs: $0) }
        : offers.version(named: row.offer, atMs: row.startsAtMs)
      access.given.append(
        PlainAccess.Given(
          account: row.account, offer: row.offer, version: version, startsAtMs: row.startsAtMs,
          endsAtMs: row.endsAtMs))
    }
    access.given += granted.values
    access.revoked = Array(revoked.values)
    return access
  }

  private func checkReads(
    _ access: PlainAccess, _ plugin: SimulatedPlugin, hasTurned: Bool
  ) throws {
    let nowMs = plugin.nowMs(time)
    for account in Self.accounts {
      for topic in Self.topics {
        try checkRead(account, topic, access, plugin, atMs: nowMs, isExact: hasTurned)
      }
    }
    guard hasTurned else { return }
    // Time is compared at each delivery: what is in memory has to be right later too.
    for given in [access.given.randomElement(using: &random)].compactMap(\.self) {
      for edgeMs in [given.startsAtMs, given.endsAtMs] {
        for timeMs in [edgeMs - 1, edgeMs] where timeMs > nowMs {
          for topic in Self.topics {
            try checkRead(given.account, topic, access, plugin, atMs: timeMs, isExact: false)
          }
        }
      }
    }
    try checkShared(access, plugin, atMs: nowMs)
  }

  private func checkRead(
    _ account: String?, _ topic: String, _ access: PlainAccess, _ plugin: SimulatedPlugin,
    atMs timeMs: Int64, isExact: Bool
  ) throws {
    let found = plugin.mayRead(topic, account, atMs: timeMs)
    let expected = access.answer(account, topic, atMs: timeMs)
    // What is not sold any more is treated as before until the watcher's next turn.
    guard found != expected, isExact || expected != .defer else { return }
    throw BrokenPromise(
      expected == .allow ? .time : .access,
      "\(account ?? "anonymous") asks for \(topic) at \(timeMs) "
        + "(in \(timeMs - plugin.nowMs(time)) ms): \(found.rawValue), not \(expected.rawValue); "
        + "\(access.given.filter { $0.account == account })")
  }

  /// A member of a shared subscription may read all that it may be given.
  private func checkShared(
    _ access: PlainAccess, _ plugin: SimulatedPlugin, atMs timeMs: Int64
  ) throws {
    guard let account = pick(Self.accounts) else { return }
    let filter = pick(["s/live", "s/other", "s/+", "s/#", "s/y/z"])
    guard plugin.maySubscribe("$share/g/\(filter)", account, atMs: timeMs) else { return }
    for topic in Self.topics where plainlyMatches(filter, topic) {
      guard access.answer(account, topic, atMs: timeMs) == .deny else { continue }
      throw BrokenPromise(.access, "\(account) may share \(filter), and not read \(topic)")
    }
  }

  private func checkLogins(_ plugin: SimulatedPlugin) throws {
    for name in ["x", "y"] {
      for password in ["p", "q", "z"] {
        let isRight = passwords[name] == .some(password)
        guard plugin.isLogin(name, password) != isRight else { continue }
        throw BrokenPromise(
          .login, "\(name) with \(password) is \(isRight ? "refused" : "let in")")
      }
    }
  }

  private func checkClock(_ plugin: SimulatedPlugin) throws {
    guard plugin.isSynchronized(time) else { return }
    let errorMs = plugin.nowMs(time) - time.tangleMs
    guard abs(errorMs) > 5000 else { return }
    throw BrokenPromise(.clock, "the plugin's time is \(errorMs) ms ahead")
  }

  // MARK: - At the end

  /// A fresh ledger that reads the history in its order comes out the same.
  func checkRebuilt() throws {
    guard let plugin else { return }
    let rows = try Rows(plugin.ledger)
    let path = "\(folder)/rebuilt-\(number(0...Int.max)).db"
    let ledger = try Ledger(path: path, nowMs: time.tangleMs)
    defer { ledger.close() }
    try ledger.read { try $0.execute(sql: "PRAGMA synchronous = OFF") }
    let history = try ledger.adopt(
      offers.ordered.enumerated().compactMap { number, version in
        guard let name = Name(version.terms.name) else { return nil }
        let offer = Offer(
          name: name, topics: version.terms.topics.compactMap { TopicFilter($0) },
          price: version.terms.price, perMs: version.terms.perMs,
          minimumMs: version.terms.minimumMs, validFromMs: version.fromMs,
          validUntilMs: version.untilMs)
        return Ledger.StoredOffer(id: Int64(number + 1), offer: offer)
      })
    let payments = known.map { tangle[$0].payment(isFinal: true) }.sorted {
      ($0.checkpoint?.sequence ?? 0, $0.digest) < ($1.checkpoint?.sequence ?? 0, $1.digest)
    }
    _ = try ledger.record(
      PaymentPage(
        payments: payments, position: ReadingPosition(checkpoint: nil, sinceMs: sinceMs)),
      network: "n", address: SimulatedPlugin.address, offers: history, nowMs: time.tangleMs,
      open: PlainTransaction.open)
    let rebuilt = try Rows(ledger)
    guard rows.bought == rebuilt.bought else {
      throw BrokenPromise(
        .history, "bought is \(rows.bought), and \(rebuilt.bought) in a fresh ledger")
    }
    try compare(.history, "credits", rows.credits, rebuilt.credits)
    try compare(.history, "payments", rows.payments, rebuilt.payments)
  }

  /// Everybody got what was bought, no more and no less.
  func checkTimeAccount() throws {
    guard makesGood, !account.isUnclear, let plugin else { return }
    let nowMs = plugin.nowMs(time)
    let history = PlainHistory(known.map { tangle[$0] }, offers)
    let bought = Dictionary(grouping: history.bought) { "\($0.account)|\($0.version.terms.name)" }
    for (key, purchases) in bought where !account.unclear.contains(purchases[0].account) {
      let boughtMs = purchases.reduce(0) { $0 + $1.endsAtMs - $1.startsAtMs }
      let leftMs = TimeAccount.length(spans[key] ?? [], fromMs: nowMs, untilMs: .max)
      let gotMs = account.deliveredMs[key, default: 0] + leftMs
      guard gotMs < boughtMs - account.lessMs || gotMs > boughtMs + account.moreMs else {
        continue
      }
      throw BrokenPromise(
        .time,
        "\(key) has bought \(boughtMs) ms, and got \(gotMs) ms "
          + "(-\(account.lessMs), +\(account.moreMs))")
    }
  }
}

import PaywallCore

@testable import Ledger

/// What is looked at after every step.
extension World {
  /// Checks all promises.
  ///
  /// - Parameter hasTurned: Whether the watcher has had its turn since time went on.
  /// - Throws: `BrokenPromise`.
  func check(hasTurned: Bool) throws {
    guard let plugin else { return }
    let rows = try LedgerRows(plugin.ledger)
    let history = PlainHistory(known.map { tangle[$0] }, offers)
    try checkHistory(rows, history)
    try checkGiven(rows, history)
    let access = access(rows, history)
    try checkReads(access, plugin, hasTurned: hasTurned)
    try checkLogins(plugin)
    try checkClock(plugin)
    spans = Dictionary(
      grouping: access.given.filter { $0.version != nil }, by: \.key
    ).mapValues { $0.map { ($0.startsAtMs, $0.endsAtMs) } }
    lastAccess = access
  }

  private func checkHistory(_ rows: LedgerRows, _ history: PlainHistory) throws {
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
  private func checkGiven(_ rows: LedgerRows, _ history: PlainHistory) throws {
    let written = rows.grants.count {
      $0.kind == "revoked" || $0.kind == "granted" && $0.payment == nil
    }
    guard written == granted.count + revoked.count else {
      throw BrokenPromise(.access, "what the seller wrote is lost: \(rows.grants)")
    }
    var provisional: Set<String> = []
    var madeGoodMs: [String: Int64] = [:]
    for row in rows.grants {
      switch (row.kind, row.payment) {
      case ("bought", _): break
      case ("made_good", let payment?):
        let transaction = tangle.first { $0.text == payment }
        let isYoung = (transaction?.checkpoint?.timeMs ?? .min) >= bornAtMs
        // A name that changes hands takes with it what still runs.
        let isRunning = row.endsAtMs > max(row.startsAtMs, latestMs)
        let claim = history.claims[payment].map { "\($0.account)|\($0.offer)" }
        madeGoodMs[row.key, default: 0] += row.endsAtMs - row.startsAtMs
        guard makesGood, isYoung, knownAtMs[payment] != nil, !isRunning || claim == row.key else {
          throw BrokenPromise(.access, "made good for no reason: \(row)")
        }
      case ("granted", let payment?):
        account.unclear.insert(row.account)
        guard let foreseen = foreseen[payment], provisional.insert(payment).inserted,
          row.key == "\(foreseen.account)|\(foreseen.version.terms.name)",
          row.endsAtMs - row.startsAtMs <= foreseen.mostMs,
          row.endsAtMs <= knownAtMs[payment].map({ max($0, row.startsAtMs) }) ?? .max
        else { throw BrokenPromise(.access, "provisional for no reason: \(row)") }
      default:
        let expected = row.kind == "granted" ? granted[row.id] : revoked[row.id]
        guard expected?.account == row.account, expected?.endsAtMs == row.endsAtMs else {
          throw BrokenPromise(.access, "nobody has written this row: \(row)")
        }
      }
    }
    for (key, foundMs) in madeGoodMs.sorted(by: { $0.key < $1.key }) {
      let mostMs = losses.mostMs[key, default: 0]
      guard foundMs > mostMs else { continue }
      throw BrokenPromise(
        .access, "\(key) is made good \(foundMs) ms, and has lost \(mostMs) ms at most")
    }
    try checkUsable(rows.madeGood)
  }

  /// What is made good and not revoked grows only by what was lost.
  private func checkUsable(_ found: [PlainAccess.Given]) throws {
    let revoked = Array(revoked.values)
    let former = PlainLosses.usableMs(madeGood, revoked)
    for (key, usableMs) in PlainLosses.usableMs(found, revoked).sorted(by: { $0.key < $1.key }) {
      let lostMs = losses.mostMs[key, default: 0] - formerLosses.mostMs[key, default: 0]
      guard usableMs > former[key, default: 0] + lostMs else { continue }
      throw BrokenPromise(
        .access,
        "of \(key) \(usableMs) ms are made good, after \(former[key, default: 0]) ms and a loss "
          + "of \(lostMs) ms at most")
    }
    (madeGood, formerLosses) = (found, losses)
  }

  /// Who may read what, by what is known; time made good and provisional as the ledger has it.
  private func access(_ rows: LedgerRows, _ history: PlainHistory) -> PlainAccess {
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
        : provisionalVersion(row, payment)
      access.given.append(
        PlainAccess.Given(
          account: row.account, offer: row.offer, version: version, startsAtMs: row.startsAtMs,
          endsAtMs: row.endsAtMs))
    }
    access.given += granted.sorted { $0.key < $1.key }.map { _, given in
      var given = given
      given.version = given.version.map(asItIsNow)
      return given
    }
    access.revoked = revoked.sorted { $0.key < $1.key }.map(\.value)
    return access
  }

  /// The terms of provisional access: those that held when it was first seen.
  private func provisionalVersion(
    _ row: LedgerGrant, _ payment: String
  ) -> PlainOffers.Version? {
    let key = "\(payment)|\(row.startsAtMs)"
    let version = provisional[key] ?? offers.version(named: row.offer, atMs: row.startsAtMs)
    provisional[key] = version
    return version.map(asItIsNow)
  }

  /// A version, which may have been ended since, or begin earlier now.
  private func asItIsNow(_ version: PlainOffers.Version) -> PlainOffers.Version {
    let same = offers.versions.filter { $0.terms == version.terms }
    return same.first { $0.fromMs == version.fromMs }
      ?? same.first { $0.isInForce(version.fromMs) } ?? version
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
    try checkClients(access, plugin, atMs: nowMs)
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

  private func checkLogins(_ plugin: SimulatedPlugin) throws {
    for name in ["x", "y"] {
      for password in ["p", "q", "z"] {
        let isRight = passwords[name] == .some(password)
        for username in [name, "buyer:\(name)"] {
          let found = plugin.host(time).entry(username: username, password: password)
          let expected: SimulatedHost.Entry =
            isRight ? .proven : username == name ? .deferred : .refused
          guard found != expected else { continue }
          throw BrokenPromise(
            .login, "\(username) with \(password) is \(found), should be \(expected)")
        }
      }
    }
  }

  private func checkClock(_ plugin: SimulatedPlugin) throws {
    guard plugin.isSynchronized(time) else { return }
    let errorMs = plugin.nowMs(time) - time.tangleMs
    guard abs(errorMs) > 5000 else { return }
    throw BrokenPromise(.clock, "the plugin's time is \(errorMs) ms ahead")
  }
}

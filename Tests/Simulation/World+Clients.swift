/// Connections, and what they may have.
extension World {
  static let filters = [
    "s/live", "s/other", "s/x", "s/+", "s/#", "s/y/z", "free/#", "else", "s", "+/x", "#", "$s/#",
  ]

  /// Some connect, leave, or share a subscription.
  func changeClients() throws {
    guard let access = lastAccess, plugin != nil else { return }
    for _ in 1...number(1...6) {
      try changeClient(access)
      try compareClients("")
    }
  }

  private func changeClient(_ access: PlainAccess) throws {
    let kind = number(0...6)
    guard kind > 1 else { return try connect(access) }
    let index = clients.indices.filter { clients[$0].isConnected }.randomElement(using: &random)
    guard let index else { return }
    switch kind {
    case 2: leave(index)
    case 3: unshare(index)
    default: try share(likelyFilter(clients[index].account, access), index, access)
    }
  }

  /// Any filter, or one of what an account has, so that groups have members.
  private func likelyFilter(_ account: String?, _ access: PlainAccess) -> String {
    let names = Set(access.given.filter { $0.account == account }.map(\.offer))
    let held = access.offers.versions.filter { names.contains($0.terms.name) }
      .flatMap(\.terms.topics)
    guard chance(2), let filter = held.randomElement(using: &random) else {
      return pick(Self.filters)
    }
    return filter
  }

  private func leave(_ index: Int) {
    say("\(clients[index].number) leaves")
    plugin?.host(time).disconnect(clients[index].id)
    end(index)
  }

  /// A connection ends, and its session too, unless it is kept.
  private func end(_ index: Int) {
    clients[index].isConnected = false
    guard !clients[index].isKept else { return }
    logins[clients[index].number] = nil
    clients.remove(at: index)
  }

  private func share(_ filter: String, _ index: Int, _ access: PlainAccess) throws {
    guard let plugin else { return }
    let isExpected = mayShare(clients[index], filter, access, atMs: plugin.nowMs(time))
    let isShared = plugin.host(time).share(filter, clients[index].id)
    guard isShared == isExpected else {
      throw BrokenPromise(
        isShared ? .access : .time,
        "\(clients[index]) may \(isShared ? "" : "not ")share \(filter); \(access.given)")
    }
    guard isShared else { return }
    clients[index].shared.insert(filter)
    say("\(clients[index].number) shares \(filter)")
  }

  private func unshare(_ index: Int) {
    guard let filter = clients[index].shared.sorted().randomElement(using: &random) else { return }
    say("\(clients[index].number) does not share \(filter) any more")
    plugin?.host(time).unshare(filter, clients[index].id)
    clients[index].shared.remove(filter)
  }

  /// Some take the id of somebody who is there.
  private func connect(_ access: PlainAccess) throws {
    connectionCount += 1
    // Whoever has paid, or is there already, comes more often than others.
    let holder = access.given.randomElement(using: &random)?.account
    let present = clients.randomElement(using: &random)
    let stranger = chance(4) ? pick(Self.impossibleNames) : pick(Self.accounts)
    let login = randomLogin(as: pick([holder, present?.account, stranger]))
    var client = PlainClient(
      number: connectionCount,
      id: pick([present?.id ?? connectionCount, number(1...connectionCount), connectionCount]),
      account: login.username, isKept: chance(2))
    let isKnownElsewhere = !chance(8)
    var former = clients.first { $0.id == client.id }
    var isExpected = true
    switch login.worth(passwords) {
    case .none: isExpected = false
    case .elsewhere: isExpected = isKnownElsewhere
    case .account(let account, let buyer):
      client.account = account
      logins[client.number] = buyer
    }
    if let former, former.isConnected, let owner = former.account, owner != client.account {
      isExpected = false
    }
    // Who gets a session that is offline is noticed when that is searched for, up to twice its time
    // later: not within a turn.
    if isExpected, let offline = former, !offline.isConnected,
      offline.account != client.account || !client.isKept
    {
      (client.id, former) = (connectionCount, nil)
    }
    let isIn =
      plugin?.host(time).connect(
        client, login, isKnownElsewhere: isKnownElsewhere) ?? false
    guard isIn == isExpected else {
      throw BrokenPromise(
        isIn ? .access : .time,
        "\(client) is \(isIn ? "let in" : "refused") with \(login), in the place of "
          + former.debugDescription)
    }
    say(
      "\(login.username ?? "anonymous") \(isIn ? "connects" : "is refused") as \(client.number), "
        + "id \(client.id)\(client.isKept ? ", to stay" : "")")
    guard isIn else { return logins[client.number] = nil }
    if client.isKept, let former, former.isKept { client.shared = former.shared }
    if let former { logins[former.number] = nil }
    clients.removeAll { $0.id == client.id }
    clients.append(client)
  }

  /// The broker asks about everybody again.
  func askAgain() throws {
    let refused = plugin?.host(time).reload() ?? []
    let expected = clients.filter(hasLostLogin).map(\.id).sorted()
    guard refused == expected else {
      throw BrokenPromise(
        .login, "asked about again, \(refused) are refused, not \(expected) of \(clients)")
    }
    endWithdrawn()
    try compareClients("asked about again")
    // Some come before the next turn of the loop.
    guard let access = lastAccess else { return }
    for _ in 0..<(isBrokerNewer ? number(0...2) : 0) {
      try connect(access)
      try compareClients("asked about again")
    }
  }

  /// Whether a buyer's password is not theirs any more.
  private func hasLostLogin(_ client: PlainClient) -> Bool {
    logins[client.number].map { passwords[$0.name] != .some($0.password) } ?? false
  }

  /// The connections of those end.
  private func endWithdrawn() {
    for index in clients.indices.reversed()
    where clients[index].isConnected && hasLostLogin(clients[index]) {
      end(index)
    }
  }

  /// The broker has the sessions that it should have.
  private func compareClients(_ occasion: String) throws {
    let found = plugin?.host(time).clients ?? []
    guard found != clients else {
      guard let unnoticed = plugin?.host(time).unnoticed else { return }
      throw BrokenPromise(.access, "\(occasion) the plugin has not noticed: \(unnoticed)")
    }
    let isTooMuch = found.contains { client in
      let expected = clients.first { $0.id == client.id }
      return client.isConnected && expected?.isConnected != true
        || !client.shared.isSubset(of: expected?.shared ?? [])
    }
    throw BrokenPromise(
      isTooMuch ? .access : .time, "\(occasion) there are \(found), not \(clients)")
  }

  /// Whether a connection is among so many of the newest of its account.
  private func isWithin(_ limit: Int?, _ client: PlainClient) -> Bool {
    guard let limit else { return true }
    return client.account != nil
      && clients.filter { $0.isConnected && $0.account == client.account }.suffix(limit)
        .contains { $0.number == client.number }
  }

  private func mayShare(
    _ client: PlainClient, _ filter: String, _ access: PlainAccess, atMs timeMs: Int64
  ) -> Bool {
    isWithin(access.shareLimit(client.account, filter, atMs: timeMs), client)
  }

  /// Nobody stays whose login was withdrawn; no member of a group swallows what is others'; each
  /// connection reads what it may.
  func checkClients(
    _ access: PlainAccess, _ plugin: SimulatedPlugin, atMs nowMs: Int64
  ) throws {
    plugin.loop(time)
    endWithdrawn()
    let kicked = clients.filter { client in
      client.isConnected
        && client.shared.contains { !mayShare(client, $0, access, atMs: nowMs) }
    }.map(\.id)
    for index in clients.indices.reversed() where kicked.contains(clients[index].id) { end(index) }
    for index in clients.indices where !clients[index].isConnected {
      clients[index].shared = clients[index].shared.filter {
        mayShare(clients[index], $0, access, atMs: nowMs)
      }
    }
    try compareClients("after a turn, by \(access.given),")
    for client in clients {
      for filter in client.shared where access.needsTime(client.account, filter, atMs: nowMs) {
        guard !plugin.host(time).isLookedAfter(filter, client.id) else { continue }
        throw BrokenPromise(.access, "nobody looks after \(client), who shares \(filter)")
      }
      for topic in Self.topics {
        let limit = access.limit(client.account, topic, atMs: nowMs)
        var expected = access.answer(client.account, topic, atMs: nowMs)
        if expected == .allow, !isWithin(limit, client) { expected = .deny }
        let found = plugin.mayRead(topic, client, time)
        guard found != expected else { continue }
        throw BrokenPromise(
          expected == .allow ? .time : .access,
          "\(client) asks for \(topic): \(found.rawValue), not \(expected.rawValue), of \(clients)")
      }
    }
    try checkSubscribe(access, plugin, atMs: nowMs)
  }

  private func checkSubscribe(
    _ access: PlainAccess, _ plugin: SimulatedPlugin, atMs nowMs: Int64
  ) throws {
    let account = pick(Self.accounts)
    let filter = pick(Self.filters)
    let isExpected = access.maySubscribe(account, filter, isStrict: isStrict, atMs: nowMs)
    guard plugin.maySubscribe(filter, account, time) != isExpected else { return }
    throw BrokenPromise(
      isExpected ? .time : .access,
      "\(account ?? "anonymous") may \(isExpected ? "not " : "")subscribe to \(filter), which is "
        + "\(isStrict ? "strict" : "open"); \(access.given.filter { $0.account == account })")
  }
}

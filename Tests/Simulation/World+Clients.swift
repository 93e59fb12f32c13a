/// Connections, and what they may have.
extension World {
  static let filters = [
    "s/live", "s/other", "s/x", "s/+", "s/#", "s/y/z", "free/#", "else", "s", "+/x", "#", "$s/#",
  ]

  /// Some connect, leave, or share a subscription.
  func changeClients() throws {
    guard let access = lastAccess else { return }
    for _ in 1...number(1...4) { try changeClient(access) }
  }

  private func changeClient(_ access: PlainAccess) throws {
    guard let plugin else { return }
    switch number(0...5) {
    case 0, 1: try connect(access)
    case 2:
      guard let client = clients.randomElement(using: &random) else { return }
      clients.removeAll { $0.number == client.number }
      plugin.clients.end(client)
      say("\(client.number) leaves")
    default:
      guard let index = clients.indices.randomElement(using: &random) else { return }
      let filter = pick(Self.filters)
      let nowMs = plugin.nowMs(time)
      let isExpected = mayShare(clients[index], filter, access, atMs: nowMs)
      let isShared = plugin.share("$share/g/\(filter)", clients[index], atMs: nowMs)
      guard isShared == isExpected else {
        throw BrokenPromise(
          isShared ? .access : .time,
          "\(clients[index]) may \(isShared ? "" : "not ")share \(filter); \(access.given)")
      }
      guard isShared else { return }
      clients[index].shared.insert(filter)
      say("\(clients[index].number) shares \(filter)")
    }
  }

  /// Some take the id of somebody who is there.
  private func connect(_ access: PlainAccess) throws {
    connectionCount += 1
    // Whoever has paid, or is there already, comes more often than others.
    let holder = access.given.randomElement(using: &random)?.account
    let present = clients.randomElement(using: &random)
    let client = PlainClient(
      number: connectionCount, id: chance(4) ? present?.id ?? connectionCount : connectionCount,
      account: pick([holder, present?.account, pick(Self.accounts)]))
    let former = clients.first { $0.id == client.id }
    let isExpected = former?.account.map { $0 == client.account } ?? true
    let isIn = plugin?.connect(client, insteadOf: former) ?? false
    guard isIn == isExpected else {
      throw BrokenPromise(
        isIn ? .access : .time,
        "\(client) is \(isIn ? "let in" : "refused") in the place of \(former.debugDescription)")
    }
    guard isIn else { return }
    clients.removeAll { $0.id == client.id }
    clients.append(client)
    say("\(client.account ?? "anonymous") connects as \(client.number), id \(client.id)")
  }

  /// Whether a connection is among so many of the newest of its account.
  private func isWithin(_ limit: Int?, _ client: PlainClient) -> Bool {
    guard let limit else { return true }
    return client.account != nil
      && clients.filter { $0.account == client.account }.suffix(limit)
        .contains { $0.number == client.number }
  }

  private func mayShare(
    _ client: PlainClient, _ filter: String, _ access: PlainAccess, atMs timeMs: Int64
  ) -> Bool {
    isWithin(access.shareLimit(client.account, filter, atMs: timeMs), client)
  }

  /// Each connection reads what it may; no member of a group swallows what is others'.
  func checkClients(
    _ access: PlainAccess, _ plugin: SimulatedPlugin, atMs nowMs: Int64
  ) throws {
    let expected = clients.filter { client in
      client.shared.contains { !mayShare(client, $0, access, atMs: nowMs) }
    }.map(\.number)
    let kicked = plugin.kick(clients, atMs: nowMs)
    guard kicked == Set(expected) else {
      let isTooMuch = !kicked.isSubset(of: expected)
      throw BrokenPromise(
        isTooMuch ? .time : .access,
        "kicked are \(kicked.sorted()), not \(expected) of \(clients); \(access.given)")
    }
    clients.removeAll { kicked.contains($0.number) }
    for client in clients {
      for topic in Self.topics {
        let limit = access.limit(client.account, topic, atMs: nowMs)
        var expected = access.answer(client.account, topic, atMs: nowMs)
        if expected == .allow, !isWithin(limit, client) { expected = .deny }
        let found = plugin.mayRead(topic, client, atMs: nowMs)
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
    guard plugin.maySubscribe(filter, account, atMs: nowMs) != isExpected else { return }
    throw BrokenPromise(
      isExpected ? .time : .access,
      "\(account ?? "anonymous") may \(isExpected ? "not " : "")subscribe to \(filter), which is "
        + "\(isStrict ? "strict" : "open"); \(access.given.filter { $0.account == account })")
  }
}

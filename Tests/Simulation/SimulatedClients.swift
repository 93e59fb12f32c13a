import Access
import PaywallCore

@testable import PaywallPlugin

/// What the plugin knows of who is connected, and who shares a subscription: `Plugin+Access` and
/// `Plugin+Shared` without the broker.
struct SimulatedClients {
  fileprivate var connections = Connections()
  fileprivate var members = SharedMembers()
  fileprivate var rulesVersion: UInt64 = 0
  /// Time for whose turn it is; each look is at everybody.
  fileprivate var lookMs: Int64 = 0

  private static func id(_ client: PlainClient) -> [UInt8] { Array("\(client.id)".utf8) }

  /// Only compared, never followed.
  fileprivate static func record(_ number: Int) -> UnsafeRawPointer? {
    UnsafeRawPointer(bitPattern: number)
  }

  fileprivate func isWithin(_ limit: Int?, _ number: Int) -> Bool {
    guard let limit else { return true }
    return Self.record(number).map { connections.isAmongNewest(limit, $0) } ?? false
  }

  fileprivate mutating func connect(
    _ client: PlainClient, insteadOf former: PlainClient?, isImpostorLetIn: Bool
  ) -> Bool {
    let (id, username) = (Self.id(client), client.account.map { Array($0.utf8) })
    guard let record = Self.record(client.number),
      isImpostorLetIn || !connections.isTaken(id, byOtherThan: username)
    else { return false }
    connections.insert(record, clientID: id, username: username, isClean: true)
    if let former { end(former) }
    return true
  }

  mutating func end(_ client: PlainClient) {
    if let record = Self.record(client.number) { connections.remove(record) }
    members.removeAll(of: Self.id(client))
  }

  fileprivate mutating func share(
    _ filter: String, _ client: PlainClient, concernsSold: Bool
  ) -> Bool {
    members.insert(
      .init(clientID: Self.id(client), filter: Array(filter.utf8)),
      of: .init(
        username: client.account.map { Array($0.utf8) }, record: Self.record(client.number),
        isWatched: true),
      concernsSold: concernsSold)
  }

  fileprivate static func isMember(_ member: SharedMembers.Member, _ client: PlainClient) -> Bool {
    member.clientID == id(client)
  }
}

extension SimulatedPlugin {
  private func judge(_ filter: String, _ account: String?, atMs timeMs: Int64) -> SubscribeVerdict {
    let name = account.map { Array($0.utf8) }
    return Array(filter.utf8).withUnsafeBytes { filter in
      guard let name else { return table.judgeSubscribe(filter, username: nil, nowMs: timeMs) }
      return name.withUnsafeBytes { table.judgeSubscribe(filter, username: $0, nowMs: timeMs) }
    }
  }

  /// Lets a client in, in the place of one of the same id.
  ///
  /// - Returns: Whether it may have its id.
  func connect(_ client: PlainClient, insteadOf former: PlainClient?) -> Bool {
    clients.connect(client, insteadOf: former, isImpostorLetIn: sabotage == .impostor)
  }

  /// Whether a connection gets a message.
  func mayRead(
    _ topic: String, _ client: PlainClient, atMs timeMs: Int64
  ) -> PlainAccess.Answer {
    let answer = mayRead(topic, client.account, atMs: timeMs)
    guard answer == .allow, table.hasConnectionLimits, sabotage != .uncountedConnections else {
      return answer
    }
    let limit = topic.withCString { topic in
      guard let account = client.account else {
        return table.connectionLimit(topic, username: nil, nowMs: timeMs)
      }
      return account.withCString { table.connectionLimit(topic, username: $0, nowMs: timeMs) }
    }
    return clients.isWithin(limit, client.number) ? .allow : .deny
  }

  /// Whether a client may subscribe to a filter alone.
  func maySubscribe(_ filter: String, _ account: String?, atMs timeMs: Int64) -> Bool {
    sabotage == .laxSubscribe || judge(filter, account, atMs: timeMs).decision == .allow
  }

  /// Lets a client become one of a group, if it may.
  func share(_ filter: String, _ client: PlainClient, atMs timeMs: Int64) -> Bool {
    let verdict = judge(filter, client.account, atMs: timeMs)
    guard verdict.decision == .allow, clients.isWithin(verdict.connectionLimit, client.number)
    else { return false }
    return clients.share(filter, client, concernsSold: verdict.concernsSold)
  }

  /// Ends the connections of those who may not share any more what they share.
  ///
  /// - Returns: Their numbers.
  func kick(_ connected: [PlainClient], atMs timeMs: Int64) -> Set<Int> {
    if clients.rulesVersion != table.rulesVersion {
      clients.rulesVersion = table.rulesVersion
      clients.members.lookAtAll()
    }
    clients.lookMs += 1000
    var kicked: Set<Int> = []
    for member in clients.members.takeDue(nowMs: clients.lookMs) {
      guard let client = connected.first(where: { SimulatedClients.isMember(member, $0) }) else {
        continue
      }
      let filter = String(decoding: member.filter, as: UTF8.self)
      let verdict = judge(filter, client.account, atMs: timeMs)
      clients.members.place(member, concernsSold: verdict.concernsSold)
      let mayStay =
        verdict.decision == .allow && clients.isWithin(verdict.connectionLimit, client.number)
      if !mayStay, sabotage != .swallowingMember { kicked.insert(client.number) }
    }
    for client in connected where kicked.contains(client.number) { clients.end(client) }
    return kicked
  }
}

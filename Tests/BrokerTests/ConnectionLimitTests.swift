import Foundation
import Testing
import TestSupport

/// `clients = n`: of one account's connections, the n newest read an offer.
@Suite(.onOwnThread)
struct ConnectionLimitTests {
  /// Publishes one message of what is sold and one of what is free.
  ///
  /// - Returns: Which of the clients, all subscribed to both, received what is sold.
  private static func readers(_ clients: [Client], _ agent: Client, qos: Int32 = 1) throws -> [Bool]
  {
    let text = UUID().uuidString
    try agent.publish("sensor/live", text, qos: qos)
    try agent.publish("sensor/1m", text, qos: qos)
    return try clients.map { client in
      guard client.awaitArrival(of: "sensor/1m", where: { $0.text == text }) != nil else {
        throw TestFailure("a client receives nothing of what is free")
      }
      return client.arrivals(of: "sensor/live").contains { $0.text == text }
    }
  }

  private static func become(_ expected: [Bool], _ clients: [Client], _ agent: Client) throws
    -> Bool
  {
    try eventually { try readers(clients, agent) == expected }
  }

  private static func subscribe(_ client: Client, qos: Int32 = 0) throws {
    for filter in ["sensor/live", "sensor/1m"] { try client.subscribe(to: filter, qos: qos) }
  }

  private static func reader(_ shop: Shop, _ options: Client.Options) throws -> Client {
    let client = try shop.client(options)
    try subscribe(client, qos: options.isClean ? 0 : 1)
    return client
  }

  private static func reader(_ shop: Shop, _ id: String? = nil) throws -> Client {
    try reader(shop, .account("johndoe", clientID: id))
  }

  @Test func `the newest read, however the others subscribe and end`() async throws {
    try await Shop.open(change: { $0.clients = 2 }) { shop in
      let agent = try shop.client("agent")
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      var clients: [Client] = []
      for filter in ["sensor/live", "#", "sensor/+", "+/live"] {
        let client = try shop.client("johndoe")
        for filter in Set([filter, "sensor/1m"]) { try client.subscribe(to: filter) }
        clients.append(client)
      }
      let reset = try shop.rawClient(.account("johndoe"))
      try reset.subscribe(to: "sensor/live")
      #expect(try Self.become([false, false, false, true], clients, agent))
      // Another SUBSCRIBE makes no connection newer.
      try clients[0].subscribe(to: "sensor/#")
      #expect(try Self.readers(clients, agent) == [false, false, false, true])
      for times in 1...3 {
        shop.broker.reload()
        #expect(shop.broker.logs("was read again", times: times))
        #expect(try Self.readers(clients, agent) == [false, false, false, true])
      }
      reset.reset()
      #expect(try Self.become([false, false, true, true], clients, agent))
      clients.removeLast().breakConnection()
      #expect(try Self.become([false, true, true], clients, agent))
      clients.removeLast().disconnect()
      #expect(try Self.become([true, true], clients, agent))
      clients.insert(try Self.reader(shop), at: 2)
      #expect(try Self.readers(clients, agent) == [false, true, true])
      #expect(clients.allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test func `each account has its own, and what is free or configured has none`() async throws {
    try await Shop.open(change: { $0.clients = 1 }) { shop in
      let agents = try (1...2).map { _ in try Self.reader(shop, .account("agent")) }
      let buyer = try await shop.buyer()
      for name in ["johndoe", "agent"] {
        try shop.ledger.settled(try buyer.pay(600_000, username: name))
      }
      try shop.ledger.settled(try buyer.pay(600_000))
      let clients = try [
        Self.reader(shop), Self.reader(shop, .wallet(buyer.key)), Self.reader(shop),
        Self.reader(shop, .wallet(buyer.key)),
      ]
      #expect(try Self.become([false, false, true, true], clients, agents[0]))
      #expect(try Self.readers(agents, agents[0]) == [true, true])
    }
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a connection that takes over its own id counts once`(version: Client.Version) async throws {
    try await Shop.open(change: { $0.clients = 2 }) { shop in
      let agent = try shop.client("agent")
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      let oldest = try Self.reader(shop)
      for isClean in [true, false] {
        let login = Client.Options.account(
          "johndoe", clientID: "meter-\(isClean)", version: version, isClean: isClean)
        var newest = try Self.reader(shop, login)
        for _ in 1...5 {
          let before = newest
          newest = try Self.reader(shop, login)
          #expect(eventually { before.disconnections == 1 })
          #expect(try Self.become([true, true], [oldest, newest], agent))
        }
        newest.disconnect()
      }
      let second = try Self.reader(shop)
      #expect(try Self.become([true, true], [oldest, second], agent))
    }
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a session that comes back reads again, without a SUBSCRIBE`(version: Client.Version)
    async throws
  {
    try await Shop.open(change: { $0.clients = 1 }) { shop in
      let agent = try shop.client("agent")
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      let login = Client.Options.account(
        "johndoe", clientID: "meter", version: version, isClean: false)
      let durable = try Self.reader(shop, login)
      #expect(try Self.become([true], [durable], agent))
      let other = try Self.reader(shop)
      #expect(try Self.readers([durable, other], agent) == [false, true])
      durable.disconnect()
      // A session that is offline is not the newest.
      #expect(try Self.readers([other], agent) == [true])
      let back = try shop.client(login)
      #expect(try Self.become([true, false], [back, other], agent))
      back.breakConnection()
      #expect(try Self.become([true], [other], agent))
      other.disconnect()
      try agent.publish("sensor/live", "while nobody is connected", qos: 1)
      let again = try shop.client(login)
      #expect(try Self.become([true], [again], agent))
      #expect(!again.arrivals.contains { $0.text == "while nobody is connected" })
    }
  }

  @Test func `of two offers for a topic, the one that allows more counts`() async throws {
    func offer(_ name: String, clients: Int) -> String {
      """
      [[offer]]
      name = "\(name)"
      topics = ["sensor/+"]
      price = "1000 nanos"
      per = "1s"
      clients = \(clients)

      """
    }
    let more = offer("pair", clients: 2) + offer("any", clients: 0)
    try await Shop.open(change: {
      $0.clients = 1
      $0.more = more
    }) { shop in
      let agent = try shop.client("agent")
      let clients = try (1...3).map { _ in try Self.reader(shop) }
      let buyer = try await shop.buyer()
      for (name, expected) in [
        ("live", [false, false, true]), ("pair", [false, true, true]), ("any", [true, true, true]),
      ] {
        try shop.ledger.settled(try buyer.pay(600_000, username: "johndoe", offer: name))
        #expect(try Self.become(expected, clients, agent), "\(name)")
      }
      // Whoever gives an account an offer that allows less takes nothing from it.
      try shop.ledger.settled(try buyer.pay(600_000, username: "johndoe", offer: "live"))
      #expect(try Self.readers(clients, agent) == [true, true, true])
    }
  }

  @Test func `a CONNECT without the password displaces nobody`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasWebSockets = true
    try await Shop.open(mosquitto, change: { $0.clients = 1 }) { shop in
      let agent = try shop.client("agent")
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      let reader = try Self.reader(shop)
      #expect(try Self.become([true], [reader], agent))
      var attackers: [RawClient] = []
      for round in 1...40 {
        var options = RawClient.Options(
          username: Array("johndoe".utf8), password: Array("wrong".utf8),
          isClean: round.isMultiple(of: 2), isWebSocket: round.isMultiple(of: 4))
        if round.isMultiple(of: 5) { options.clientID = Array("same".utf8) }
        let port = options.isWebSocket ? shop.broker.webSocketPort : shop.broker.port
        let attacker = try RawClient(port: port, options)
        #expect(try attacker.connect() != .code(0))
        #expect(try Self.readers([reader], agent) == [true], "round \(round)")
        // It never ends the connection itself.
        attackers.append(attacker)
      }
    }
  }

  @Test func `clients whose name is in a certificate count like all others`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasIdentities = true
    try await Shop.open(mosquitto, change: { $0.clients = 1 }) { shop in
      let agent = try shop.client("agent")
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      let certificates = try #require(shop.broker.certificates)
      let identity = try certificates.client("johndoe")
      let other = try certificates.client("janedoe")
      var durable = Client.Options(clientID: "meter")
      durable.isClean = false
      let first = try shop.client(identity, durable)
      let stranger = try shop.client(other)
      for client in [first, stranger] { try Self.subscribe(client, qos: 1) }
      #expect(try Self.become([true, false], [first, stranger], agent))
      let second = try shop.client(identity)
      try Self.subscribe(second)
      #expect(try Self.become([false, true], [first, second], agent))
      let third = try Self.reader(shop)
      #expect(try Self.become([false, false, true], [first, second, third], agent))
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      #expect(try Self.readers([first, second, third], agent) == [false, false, true])
      third.disconnect()
      #expect(try Self.become([false, true], [first, second], agent))
      first.breakConnection()
      second.breakConnection()
      // Nothing but what is published tells Mosquitto 2.0's plugins that it is there again.
      let back = try shop.client(identity, durable)
      #expect(try Self.become([true], [back], agent))
      #expect(stranger.arrivals(of: "sensor/live").isEmpty)
    }
  }
}

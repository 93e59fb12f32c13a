import IOTACrypto
import Testing
import TestSupport

/// A client id that is connected under an account is nobody else's to take.
@Suite(.onOwnThread)
struct ClientIDTests {
  /// Tries to take an id as everybody but its owner.
  private static func attack(_ id: String, _ shop: Shop, isOwnedBy owner: String = "johndoe") throws
  {
    let attackers = [
      .init(), .account("friend"), .account("agent"), .wallet(PrivateKey()),
      // With the owner's name, but without its password.
      Client.Options(username: owner, password: "wrong"),
      Client.Options(username: "buyer:\(owner)", password: Mosquitto.password(of: owner)),
    ]
    for attacker in attackers {
      for version in [Client.Version.v311, .v5] {
        for isClean in [true, false] {
          var options = attacker
          options.clientID = id
          options.version = version
          options.isClean = isClean
          let expected =
            version == .v5 ? Client.Reason.notAuthorized : Client.Reason.v311NotAuthorized
          let reason = try Client(port: shop.broker.port, options).connect()
          #expect(reason == expected, "\(attacker.username ?? "anonymous")")
        }
      }
    }
  }

  /// Waits for the message that was sent last, and finds where one before it is missing.
  ///
  /// - Returns: The numbers beside each gap.
  private static func gaps(_ client: Client, upTo sensor: Sensor) throws -> [[Int]] {
    let last = "\(sensor.count - 1)"
    guard client.awaitArrival(of: "sensor/live", where: { $0.text == last }) != nil else {
      throw TestFailure("message \(last) has not arrived")
    }
    let numbers = client.arrivals(of: "sensor/live").compactMap { Int($0.text) }
    return zip(numbers, numbers.dropFirst()).filter { $1 != $0 + 1 }.map { [$0, $1] }
  }

  private static func pay(_ shop: Shop, for username: String? = nil, by buyer: Buyer? = nil)
    async throws
  {
    let payer = if let buyer { buyer } else { try await shop.buyer() }
    try shop.ledger.settled(try payer.pay(600_000, username: username))
  }

  @Test(arguments: [Client.Version.v311, .v5], [true, false])
  func `strangers are refused, the owner takes over, and an id that was left is free`(
    version: Client.Version, isClean: Bool
  ) async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      try await Self.pay(shop, for: "johndoe")
      let login = Client.Options.account(
        "johndoe", clientID: "meter", version: version, isClean: isClean)
      let victim = try shop.client(login)
      try victim.subscribe(to: "sensor/live")
      _ = try #require(victim.awaitArrival(of: "sensor/live"))
      try Self.attack("meter", shop)
      for times in 1...3 {
        shop.broker.reload()
        #expect(shop.broker.logs("was read again", times: times))
        try Self.attack("meter", shop)
      }
      #expect(victim.disconnections == 0)

      let successor = try shop.client(login)
      #expect(eventually { victim.disconnections == 1 })
      try successor.subscribe(to: "sensor/live")
      _ = try #require(successor.awaitArrival(of: "sensor/live"))
      try Self.attack("meter", shop)
      sensor.stop()
      #expect(try Self.gaps(successor, upTo: sensor).isEmpty)

      successor.disconnect()
      let next = try shop.client(.account("janedoe", clientID: "meter", version: version))
      try Self.attack("meter", shop, isOwnedBy: "janedoe")
      #expect(next.disconnections == 0)
    }
  }

  @Test func `a wallet's id is its own, also while SIGHUPs come`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await shop.buyer()
      try await Self.pay(shop, by: buyer)
      let capitals = "0x" + "\(buyer.address)".dropFirst(2).uppercased()
      for name in ["\(buyer.address)", capitals] {
        var login = Client.Options.wallet(buyer.key, as: name)
        login.clientID = "meter"
        let victim = try shop.client(login)
        try victim.subscribe(to: "sensor/live")
        _ = try #require(victim.awaitArrival(of: "sensor/live"))
        for _ in 1...5 {
          shop.broker.reload()
          try Self.attack("meter", shop, isOwnedBy: "\(buyer.address)")
        }
        #expect(victim.disconnections == 0)
        #expect(try Self.gaps(victim, upTo: sensor).isEmpty)
      }
      sensor.stop()
    }
  }

  @Test func `a refused CONNECT leaves an id free`() async throws {
    try await Shop.open { shop in
      for isClean in [true, false] {
        for version in [Client.Version.v311, .v5] {
          let wrong = Client.Options(
            username: "johndoe", password: "wrong", version: version, clientID: "meter",
            isClean: isClean)
          #expect(try Client(port: shop.broker.port, wrong).connect() != 0)
          let raw = RawClient.Options(
            clientID: Array("meter".utf8), username: Array("johndoe".utf8), isClean: isClean)
          let open = try RawClient(port: shop.broker.port, raw)
          #expect(try open.connect() != .code(0))
          let next = try shop.client(.account("janedoe", clientID: "meter", version: version))
          next.disconnect()
        }
      }
    }
  }

  @Test(arguments: [false, true])
  func `WebSockets are no way around it, also while SIGHUPs come`(isVictimThere: Bool) async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasWebSockets = true
    try await Shop.open(mosquitto) { shop in
      let agent = try shop.client("agent")
      var login = RawClient.Options.account("johndoe", clientID: "meter")
      login.isWebSocket = isVictimThere
      let victim = try shop.rawClient(login)
      try victim.subscribe(to: "sensor/1m")
      for round in 1...100 {
        for name in ["janedoe", nil] {
          var options = name.map { .account($0) } ?? RawClient.Options()
          options.clientID = login.clientID
          options.isWebSocket = true
          let attacker = try RawClient(port: shop.broker.webSocketPort, options)
          shop.broker.reload()
          #expect(try attacker.connect() != .code(0), "round \(round)")
        }
        try agent.publish("sensor/1m", "\(round)", qos: 1)
        #expect(try victim.awaits("sensor/1m") { $0 == "\(round)" })
      }
      #expect(victim.count(of: "sensor/1m") == 100)
      let successor = try shop.rawClient(login)
      #expect(try successor.drain())
      #expect(try !victim.drain())
    }
  }

  @Test func `the id of a client with a certificate is its own from its first SUBSCRIBE`()
    async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasIdentities = true
    try await Shop.open(mosquitto) { shop in
      let sensor = try shop.sensor("sensor/live")
      try await Self.pay(shop, for: "johndoe")
      let certificates = try #require(shop.broker.certificates)
      let identity = try certificates.client("johndoe")
      var options = Client.Options()
      options.clientID = "meter"
      let victim = try shop.client(identity, options)
      try victim.subscribe(to: "sensor/live")
      _ = try #require(victim.awaitArrival(of: "sensor/live"))
      try Self.attack("meter", shop)
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      try Self.attack("meter", shop)
      #expect(victim.disconnections == 0)
      sensor.stop()
      #expect(try Self.gaps(victim, upTo: sensor).isEmpty)
      // The same account, whichever way it proves who it is.
      let successor = try shop.client(.account("johndoe", clientID: "meter"))
      #expect(eventually { victim.disconnections == 1 })
      successor.disconnect()
      #expect(try shop.client(.account("janedoe", clientID: "meter")).disconnections == 0)
    }
  }
}

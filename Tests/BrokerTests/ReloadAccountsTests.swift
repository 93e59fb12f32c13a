import IOTACrypto
import Testing
import TestSupport

/// At a SIGHUP Mosquitto asks about everybody again: who was accepted stays, and nobody else comes
/// in.
@Suite(.onOwnThread)
struct ReloadAccountsTests {
  private static func reload(_ shop: Shop, times: Int) {
    shop.broker.reload()
    #expect(shop.broker.logs("was read again", times: times))
  }

  @Test func `everybody who was accepted stays`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasWebSockets = true
    mosquitto.hasIdentities = true
    try await Shop.open(mosquitto) { shop in
      let key = PrivateKey()
      let capitals = "0x" + "\(key.address)".dropFirst(2).uppercased()
      let certificates = try #require(shop.broker.certificates)
      var clients: [Client] = []
      for version in [Client.Version.v311, .v5] {
        clients += try [
          shop.client(version: version), shop.client("johndoe", version: version),
          shop.client("agent", version: version), shop.client(.wallet(key, version: version)),
          shop.client(.wallet(PrivateKey(), expiresInS: 2, version: version)),
          shop.client(.wallet(key, as: capitals, version: version)),
          shop.client(certificates.client("janedoe"), .init(version: version)),
          shop.client(certificates.client("stranger"), .init(version: version)),
          shop.client(.account("friend", clientID: "\(version)", version: version, isClean: false)),
        ]
      }
      var options = RawClient.Options.account("johndoe")
      options.isWebSocket = true
      let webSocket = try shop.rawClient(options)
      for client in clients { try client.subscribe(to: "sensor/1m") }
      try webSocket.subscribe(to: "sensor/1m")
      let expiredAtMs = nowMs() + 2500
      for times in 1...3 {
        Self.reload(shop, times: times)
        if times == 1 { #expect(eventually { nowMs() > expiredAtMs }) }
        let agent = try shop.client("agent")
        try agent.publish("sensor/1m", "\(times)", qos: 1)
        for client in clients {
          #expect(client.awaitArrival(of: "sensor/1m") { $0.text == "\(times)" } != nil)
        }
        #expect(try webSocket.awaits("sensor/1m") { $0 == "\(times)" })
      }
      #expect(clients.allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test func `sessions that were restored stay, with what waits for them`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.keepsSessions = true
    try await Shop.open(mosquitto) { shop in
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(600_000, username: "johndoe"))
      try shop.ledger.settled(try buyer.pay(600_000))
      var anonymous = Client.Options(clientID: "anonymous")
      var wallet = Client.Options.wallet(buyer.key)
      var capitals = Client.Options.wallet(
        buyer.key, as: "0x" + "\(buyer.address)".dropFirst(2).uppercased())
      anonymous.isClean = false
      (wallet.clientID, wallet.isClean) = ("wallet", false)
      (capitals.clientID, capitals.isClean) = ("capitals", false)
      let logins = [
        anonymous, wallet, capitals,
        Client.Options.account("johndoe", clientID: "account", isClean: false),
      ]
      for login in logins {
        let client = try shop.client(login)
        for filter in ["sensor/live", "sensor/1m"] { try client.subscribe(to: filter, qos: 1) }
        client.disconnect()
      }
      try shop.broker.stop()
      try shop.broker.start()
      for times in 1...2 { Self.reload(shop, times: times) }
      let agent = try shop.client("agent")
      try agent.publish("sensor/live", "sold", qos: 1)
      try agent.publish("sensor/1m", "free", qos: 1)
      Self.reload(shop, times: 3)
      for login in logins {
        let client = try shop.client(login)
        #expect(client.awaitArrival(of: "sensor/1m")?.text == "free", "\(login.clientID)")
        let isSold = login.username != nil
        #expect(
          client.arrivals(of: "sensor/live").map(\.text) == (isSold ? ["sold"] : []),
          "\(login.clientID)")
      }
    }
  }

  @Test func `nobody comes in by way of one`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasWebSockets = true
    try await Shop.open(mosquitto) { shop in
      let key = PrivateKey()
      func password(realm: String = "plug.test", expiresInS: Int64) -> String {
        WalletLogin.password(key: key, realm: realm, expiryS: nowMs() / 1000 + expiresInS)
      }
      let refused: [(String, String?)] = [
        ("\(key.address)", password(expiresInS: -60)),
        ("\(key.address)", password(expiresInS: 31 * 24 * 3600)),
        ("\(key.address)", password(realm: "elsewhere.test", expiresInS: 60)),
        ("\(key.address)", nil), ("buyer:johndoe", Mosquitto.password(of: "johndoe")),
        ("johndoe", "wrong"), ("johndoe", nil),
      ]
      for round in 1...20 {
        for (username, password) in refused {
          for isWebSocket in [false, true] {
            let options = RawClient.Options(
              username: Array(username.utf8), password: password.map { Array($0.utf8) },
              isClean: false, isWebSocket: isWebSocket)
            let port = isWebSocket ? shop.broker.webSocketPort : shop.broker.port
            let client = try RawClient(port: port, options)
            shop.broker.reload()
            #expect(
              try client.connect() != .code(0),
              "\(username), round \(round), WebSocket: \(isWebSocket)")
          }
        }
      }
      #expect(try shop.client(.wallet(key)).disconnections == 0)
    }
  }

  @Test func `who connects while SIGHUPs come is a client like all others`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasWebSockets = true
    try await Shop.open(mosquitto, change: { $0.clients = 1 }) { shop in
      let agent = try shop.client("agent")
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      for round in 1...100 {
        var options = RawClient.Options.account("johndoe")
        options.isWebSocket = true
        let client = try RawClient(port: shop.broker.webSocketPort, options)
        shop.broker.reload()
        #expect(try client.connect() == .code(0))
        for filter in ["sensor/live", "sensor/1m"] { try client.subscribe(to: filter) }
        for topic in ["sensor/live", "sensor/1m"] { try agent.publish(topic, "\(round)", qos: 1) }
        #expect(try client.awaits("sensor/1m"))
        #expect(client.count(of: "sensor/live") == 1, "round \(round)")
      }
    }
  }
}

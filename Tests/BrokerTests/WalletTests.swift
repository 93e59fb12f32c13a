import IOTACrypto
import Testing
import TestSupport

/// A payment without a memo goes to the sender's address, whose owner logs in by signature.
@Suite(.onOwnThread)
struct WalletTests {
  @Test(arguments: [Client.Version.v311, .v5])
  func `the sender of a payment without memo logs in by signature and reads`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await shop.buyer()
      let reader = try shop.client(.wallet(buyer.key, version: version))
      try reader.subscribe(to: "sensor/live")
      let stranger = try shop.client(.wallet(PrivateKey()))
      try stranger.subscribe(to: "sensor/live")
      let paid = try buyer.pay(2000)
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - paid.executedAtMs < 2000)
      let grant = try #require(try shop.ledger.grants().only)
      #expect(grant.account == "\(buyer.address)" && grant.ends_at - grant.starts_at == 2000)
      try sensor.publish(untilMs: grant.ends_at + 1500)
      sensor.stop()
      #expect(reader.arrivals.last?.atMs ?? 0 <= grant.ends_at + 1000)
      #expect(stranger.arrivals.isEmpty)
    }
  }

  @Test func `an address in capitals is the same account`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await shop.buyer()
      let capitals = "0x" + "\(buyer.address)".dropFirst(2).uppercased()
      let reader = try shop.client(.wallet(buyer.key, as: capitals))
      try reader.subscribe(to: "sensor/live")
      _ = try buyer.pay(60_000)
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      let count = sensor.count
      #expect(
        reader.awaitArrival(of: "sensor/live") { Int($0.text) ?? 0 > count + 5 } != nil)
      #expect(reader.disconnections == 0)
      sensor.stop()
    }
  }

  @Test func `a wallet that has not signed for here and now is refused`() async throws {
    try await Shop.open { shop in
      let key = PrivateKey()
      var unsigned = Client.Options.wallet(key)
      unsigned.password = nil
      var garbled = Client.Options.wallet(key)
      garbled.password = "\(nowMs() / 1000 + 600).AAAA"
      let refused: [(String, Client.Options)] = [
        ("another's signature", .wallet(PrivateKey(), as: "\(key.address)")),
        ("an expiry that has passed", .wallet(key, expiresInS: -2)),
        ("an expiry too far ahead", .wallet(key, expiresInS: 31 * 24 * 3600)),
        ("another realm", .wallet(key, realm: "plug.example")),
        ("no password", unsigned), ("no signature", garbled),
      ]
      for (name, options) in refused {
        let client = try Client(port: shop.broker.port, options)
        #expect(try client.connect() == Client.Reason.v311NotAuthorized, "\(name)")
        var options = options
        options.version = .v5
        let client5 = try Client(port: shop.broker.port, options)
        #expect(try client5.connect() == Client.Reason.notAuthorized, "\(name), MQTT 5")
      }
      #expect(try Client(port: shop.broker.port, .wallet(key)).connect() == 0)
    }
  }

  @Test func `a login that expires keeps its connection through a reload, and makes no new one`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await shop.buyer()
      let login = Client.Options.wallet(buyer.key, expiresInS: 2)
      let reader = try shop.client(login)
      try reader.subscribe(to: "sensor/live")
      _ = try buyer.pay(60_000)
      _ = try #require(reader.awaitArrival(of: "sensor/live"))
      try sensor.publish(untilMs: nowMs() + 2500)
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      let count = sensor.count
      #expect(
        reader.awaitArrival(of: "sensor/live") { Int($0.text) ?? 0 > count + 5 } != nil)
      #expect(reader.disconnections == 0)
      #expect(
        try Client(port: shop.broker.port, login).connect() == Client.Reason.v311NotAuthorized)
      sensor.stop()
    }
  }

  @Test func `names of buyers and of wallets are nobody's to take`() async throws {
    // Without a password file, and without the plugin, Mosquitto accepts any name.
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasPasswords = false
    try await Shop.prepare(mosquitto) { shop in
      try shop.broker.start()
      let wallet = "\(PrivateKey().address)"
      for name in ["buyer:johndoe", "buyer:agent", "buyer:", wallet, wallet.uppercased()] {
        for password in ["johndoe-secret", "", nil] {
          let client = try Client(
            port: shop.broker.port, .init(username: name, password: password))
          #expect(try client.connect() == Client.Reason.v311NotAuthorized, "\(name)")
        }
      }
      #expect(try shop.client().subscribe(to: "sensor/1m") == 0)
    }
  }

  @Test func `a wallet's offline session outlives a restart and a reload`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.keepsSessions = true
    try await Shop.open(mosquitto) { shop in
      let buyer = try await shop.buyer()
      var login = Client.Options.wallet(buyer.key)
      login.clientID = "wallet"
      login.isClean = false
      let reader = try shop.client(login)
      try reader.subscribe(to: "sensor/live", qos: 1)
      try shop.ledger.settled(try buyer.pay(600_000))
      reader.disconnect()
      try shop.broker.stop()
      try shop.broker.start()
      // Mosquitto asks about every session again, and knows neither password nor address of this.
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      try shop.client("agent").publish("sensor/live", "kept", qos: 1)
      let back = try shop.client(login)
      #expect(back.awaitArrival(of: "sensor/live")?.text == "kept")
    }
  }
}

import IOTACrypto
import Testing
import TestSupport

/// Nobody gets what is another's by choosing a name, nor keeps the other from it.
@Suite(.onOwnThread)
struct ImpostorTests {
  private static let digits = String(repeating: "ab", count: 32)

  /// Names that no password file holds, and that somebody may take for one that it does hold.
  private static let strangeNames: [[UInt8]] =
    [
      " johndoe", "johndoe ", "JOHNDOE", "\u{FF4A}ohndoe", "\u{200B}johndoe", "johndoe\u{301}",
      "buyer:", "buyer:johndoe", "buyer:agent", "buyer:buyer:johndoe", "BUYER:johndoe",
      "buyer:johndoe\n", "0x", "0x7", "0x\(digits.dropLast())", "0x\(digits)", "0x\(digits)a",
      "0x\(digits.uppercased())", "0X\(digits)", "0xAb\(digits.dropFirst(2))",
      "\u{FF10}x\(digits)", "a/b", "+", "#", "sensor/#", "$SYS", "$share/g/johndoe", "%u", "%c",
      "a:b", "johndoe:agent", "johndoe\n", "\u{1}", "\u{7F}", "\u{85}", "\u{FEFF}", "\u{FFFD}",
      "johndoe\u{0}", "johndoe\u{0}x", "agent\u{0}:\u{0}",
      String(repeating: "a", count: 65_535), "buyer:" + String(repeating: "a", count: 65_529),
      "0x" + String(repeating: "a", count: 65_533),
    ].map { Array($0.utf8) } + [[0xFF], Array("johndoe".utf8) + [0xC3], [0xC0, 0x80]]

  @Test(arguments: [true, false])
  func `a name that nobody vouches for is refused, whatever it is`(hasPasswords: Bool) async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.hasPasswords = hasPasswords
    try await Shop.open(mosquitto) { shop in
      for name in Self.strangeNames {
        let shown = String(decoding: name.prefix(80), as: UTF8.self)
        for password in ["johndoe-secret", "", nil] {
          for id in [Array("device".utf8), name] {
            let client = try RawClient(
              port: shop.broker.port,
              .init(clientID: id, username: name, password: password.map { Array($0.utf8) }))
            #expect(try client.connect() != .code(0), "\(shown)")
          }
        }
      }
      #expect(shop.broker.isRunning)
      if hasPasswords {
        for name in Mosquitto.brokerAccounts { #expect(try shop.client(name).arrivals.isEmpty) }
      }
    }
  }

  @Test func `an empty name is nobody's, and keeps nobody from a client id`() async throws {
    try await Shop.open { shop in
      for password in ["johndoe-secret", "", nil] {
        let nobody = try shop.rawClient(
          .init(
            clientID: Array("meter".utf8), username: [], password: password.map { Array($0.utf8) }))
        try nobody.subscribe(to: "#")
        let agent = try shop.client("agent")
        for topic in ["sensor/live", "sensor/1m"] { try agent.publish(topic, "1", qos: 1) }
        #expect(try nobody.awaits("sensor/1m"))
        #expect(nobody.count(of: "sensor/live") == 0)
        let owner = try shop.client(.account("johndoe", clientID: "meter"))
        #expect(try !nobody.drain())
        owner.disconnect()
      }
    }
  }

  @Test func `names that only look alike are different accounts`() async throws {
    let composed = "caf\u{E9}"
    let decomposed = "cafe\u{301}"
    var mosquitto = Mosquitto.Settings()
    mosquitto.aclLines = [
      "pattern read public/#", "user \(composed)", "topic read vault/#", "user friend",
      "topic write public/#", "topic write vault/#",
    ]
    try await Shop.open(mosquitto) { shop in
      for name in [composed, decomposed] { try shop.broker.addAccount(name) }
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      let buyer = try await shop.buyer()
      let paid = try shop.ledger.settled(try buyer.pay(600_000, username: composed))
      #expect(paid.account.map { Array($0.utf8) } == Array(composed.utf8))
      let owner = try shop.client(composed)
      let twin = try shop.client(decomposed)
      for client in [owner, twin] { try client.subscribe(to: "#") }
      let agent = try shop.client("agent")
      let friend = try shop.client("friend")
      func publish(_ text: String) throws {
        try agent.publish("sensor/live", text, qos: 1)
        try friend.publish("vault/gold", text, qos: 1)
        try friend.publish("public/end", text, qos: 1)
        for client in [owner, twin] {
          #expect(client.awaitArrival(of: "public/end") { $0.text == text } != nil)
        }
      }
      #expect(
        try eventually {
          try publish("probe")
          return !owner.arrivals(of: "sensor/live").isEmpty
        })
      #expect(!owner.arrivals(of: "vault/gold").isEmpty)
      #expect(Set(twin.arrivals.map(\.topic)) == ["public/end"])
      try shop.ledger.settled(try buyer.pay(600_000, username: decomposed))
      #expect(
        try eventually {
          try publish("probe")
          return !twin.arrivals(of: "sensor/live").isEmpty
        })
      #expect(twin.arrivals(of: "vault/gold").isEmpty)
    }
  }

  @Test func `rules of an acl_file are met by nobody's choice of a name or client id`()
    async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.aclLines = [
      "user johndoe", "topic read vault/#", "user friend", "topic write #",
      "pattern read private/%u/#", "pattern read device/%c/#",
    ]
    try await Shop.open(mosquitto) { shop in
      let wallets = [PrivateKey(), PrivateKey()]
      let names = ["johndoe", "janedoe"] + wallets.map { "\($0.address)" }
      var readers: [(name: String?, id: String, client: Client)] = []
      func add(_ name: String?, _ id: String, _ options: Client.Options) throws {
        var options = options
        options.clientID = id
        readers.append((name, id, try shop.client(options)))
      }
      for name in ["johndoe", "janedoe"] { try add(name, "of-\(name)", .account(name)) }
      for key in wallets {
        let capitals = "0x" + "\(key.address)".dropFirst(2).uppercased()
        try add("\(key.address)", "of-\(key.address)", .wallet(key, as: capitals))
      }
      // Client ids that are somebody's name, or a wildcard, or want to be substituted.
      for id in names + ["+", "#", "%u", "%c", "of-johndoe/..", "$SYS"] {
        try add(nil, id, .init())
      }
      for (_, _, client) in readers {
        for filter in ["#", "private/#", "+/johndoe/#", "device/+/a"] {
          try client.subscribe(to: filter)
        }
      }
      let friend = try shop.client("friend")
      for name in names {
        try friend.publish("private/\(name)/a", "for \(name)", qos: 1)
        try friend.publish("device/of-\(name)/a", "for \(name)", qos: 1)
      }
      try friend.publish("vault/gold", "for johndoe", qos: 1)
      try shop.client("agent").publish("sensor/1m", "for all", qos: 1)
      for (name, id, client) in readers {
        #expect(client.awaitArrival(of: "sensor/1m") != nil, "\(id)")
        let expected: Set<String> = name.map { ["for \($0)", "for all"] } ?? ["for all"]
        #expect(Set(client.arrivals.map(\.text)) == expected, "\(id)")
        #expect(client.arrivals.contains { $0.topic == "vault/gold" } == (name == "johndoe"))
      }
    }
  }

  @Test func `a payment in the name of an account gives it time to read, and takes nothing`()
    async throws
  {
    try await Shop.open { shop in
      let payer = try await shop.buyer()
      for name in ["agent", "johndoe", "buyer:agent", "buyer:johndoe"] {
        #expect(
          try shop.ledger.settled(try payer.pay(600_000, username: name)).account == name)
      }
      for password in ["", "agent", "johndoe-secret", nil] {
        let attack = try Client(
          port: shop.broker.port, .init(username: "agent", password: password))
        #expect(try attack.connect() == Client.Reason.v311NotAuthorized)
      }
      let agent = try shop.client("agent", version: .v5)
      let reader = try shop.client("johndoe", version: .v5)
      let wallet = try shop.client(.wallet(payer.key, version: .v5))
      for client in [agent, reader, wallet] { try client.subscribe(to: "sensor/#") }
      for client in [reader, wallet] {
        #expect(
          try client.publish("sensor/live", "forged", qos: 1) == Client.Reason.notAuthorized)
      }
      #expect(try agent.publish("sensor/live", "1", qos: 1) == 0)
      #expect(try agent.publish("sensor/1m", "2", qos: 1) == 0)
      for client in [agent, reader, wallet] {
        #expect(client.awaitArrival(of: "sensor/1m") != nil)
        #expect(client.arrivals(of: "sensor/live").map(\.text) == (client === wallet ? [] : ["1"]))
      }
    }
  }

  @Test func `a payment for a name that nobody can have is kept for the seller`() async throws {
    let names = [
      "", "a/b", "a+b", "#", "$SYS", "%u", "a:b", "buyer:", "buyer:a:b", "buyer:#", #"a\u0000b"#,
      #"\u0001"#, #"\u007f"#, #"\u0085"#, #"\ud800"#, String(repeating: "a", count: 65),
      "buyer:" + String(repeating: "a", count: 65), "0X\(Self.digits)", "0x\(Self.digits)",
      "0x\(Self.digits.uppercased())",
    ]
    try await Shop.open { shop in
      let payer = try await shop.buyer()
      for name in names {
        let paid = try payer.pay(60_000, memos: [#"{"username":"\#(name)"}"#])
        let payment = try shop.ledger.settled(paid)
        if name == #"\ud800"#, payment.state == "confirmed" {
          // No JSON, so no memo: it is the sender's own.
          #expect(payment.account == "\(payer.address)")
        } else {
          #expect(payment.state == "unclaimed" && payment.account == nil, "\(name)")
          #expect(payment.amount == 60_000 && payment.reason?.isEmpty == false, "\(name)")
        }
      }
      #expect(try shop.ledger.grants().allSatisfy { $0.account == "\(payer.address)" })
      #expect(shop.broker.isRunning)
    }
  }
}

import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// Strangers who try to get what is another's, or to keep others from it, by what they pay and say.
@Suite(.onOwnThread)
struct BuyerAttackTests {
  @Test func `a name that is somebody's gives its buyer nothing of theirs`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.aclLines = ["user johndoe", "topic read vault/#", "user agent", "topic vault/#"]
    try await Shop.open(mosquitto) { shop in
      let thief = try await shop.buyer()
      for name in ["agent", "johndoe"] {
        try shop.pay(600_000, by: thief, for: name, "stolen")
        #expect(try eventually(within: 10) { try shop.accepts(name, "stolen") })
      }
      let (agent, johndoe) = (try shop.client("agent", version: .v5), try shop.client("johndoe"))
      let impostors = try ["agent", "johndoe"].map { name in
        try shop.client(.init(username: name, password: "stolen", version: .v5))
      }
      for client in impostors + [johndoe] {
        for topic in ["sensor/#", "vault/#"] { try client.subscribe(to: topic) }
      }
      for impostor in impostors {
        #expect(
          try impostor.publish("sensor/live", "forged", qos: 1) == Client.Reason.notAuthorized)
        #expect(
          try impostor.publish("vault/gold", "forged", qos: 1) == Client.Reason.notAuthorized)
      }
      try agent.publish("vault/gold", "gold", qos: 1)
      try agent.publish("sensor/1m", "free", qos: 1)
      for client in impostors + [johndoe] {
        #expect(client.awaitArrival(of: "sensor/1m") != nil)
        #expect(
          client.arrivals(of: "vault/gold").map(\.text) == (client === johndoe ? ["gold"] : []))
        #expect(client.arrivals(of: "sensor/live").isEmpty)
      }
      // The owners' time is not the impostors', and the other way round.
      let rows = try shop.ledger.grants().map(\.account)
      #expect(Set(rows) == ["buyer:agent", "buyer:johndoe"])
    }
  }

  @Test func `a buyer's name is nobody else's; the money stays the payer's`() async throws {
    try await Shop.open { shop in
      let (owner, thief) = (try await shop.buyer(), try await shop.buyer())
      try shop.pay(60_000, by: owner, for: "jane", "s3cret")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      let before = try shop.ledger.grants(of: "buyer:jane")
      let paid = try shop.pay(60_000, by: thief, for: "jane", "guessed")
      #expect(try shop.ledger.settled(paid).account == "\(thief.address)")
      #expect(try !shop.accepts("jane", "guessed"))
      #expect(try shop.accepts("jane", "s3cret"))
      #expect(try shop.ledger.grants(of: "buyer:jane") == before)
      // Canonically equivalent, but other bytes: another name.
      try shop.pay(60_000, by: owner, for: "caf\u{E9}", "composed")
      try shop.pay(60_000, by: thief, for: "cafe\u{301}", "decomposed")
      #expect(try eventually(within: 10) { try shop.accepts("caf\u{E9}", "composed") })
      #expect(try eventually(within: 10) { try shop.accepts("cafe\u{301}", "decomposed") })
      #expect(try !shop.accepts("caf\u{E9}", "decomposed"))
      #expect(try !shop.accepts("cafe\u{301}", "composed"))
    }
  }

  @Test func `who copies a memo gives its owner money`() async throws {
    try await Shop.open { shop in
      let (owner, thief) = (try await shop.buyer(), try await shop.buyer())
      let memo = try shop.memoKey().memo("jane", "s3cret")
      try shop.ledger.settled(try owner.pay(60_000, memos: [memo]))
      let copied = try thief.pay(60_000, memos: [memo])
      #expect(try shop.ledger.settled(copied).account == "buyer:jane")
      #expect(try shop.ledger.grants(of: "buyer:jane").count == 2)
      #expect(try !shop.accepts("\(thief.address)", "s3cret"))
    }
  }

  @Test func `boxes that cannot be opened and names that nobody can have are their senders'`()
    async throws
  {
    try await Shop.open { shop in
      let payer = try await shop.buyer()
      let key = try shop.memoKey()
      let other = try #require(MasterKey(Array(repeating: 7, count: 32))).newMemoKey()
      var memos = [
        try other.memo("jane", "s3cret"), #"{"sealed":""}"#, #"{"sealed":"AAAA"}"#,
        #"{"sealed":"not base64url!"}"#, try key.memo("jane", ""), try key.memo("jane", "a\0b"),
        #"{"sealed":"\#(String(repeating: "A", count: 12_000))"}"#,
        try key.memo("jane", String(repeating: "p", count: 11_000)),
      ]
      for name in [
        "", "a/b", "a+b", "#", "$SYS", "%u", "a:b", "a\0b", "\u{1}", "\u{7F}", "buyer:a:b",
        String(repeating: "n", count: 65), "\(payer.address)",
      ] {
        memos.append(try key.memo(name, "s3cret"))
      }
      let good = try key.memo("jane", "s3cret")
      var flipped = Array(good.utf8)
      flipped[40] = flipped[40] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      memos.append(String(decoding: flipped, as: UTF8.self))
      memos.append(#"{"sealed":"\#(good.dropFirst(11).dropLast(12))"}"#)
      for memo in memos {
        let payment = try shop.ledger.settled(try payer.pay(1000, memos: [memo]))
        #expect(payment.account == "\(payer.address)", "\(memo.prefix(60))")
      }
      #expect(try !shop.accepts("jane", "s3cret"))
      // A name of 65 KB at a login, too.
      let long = String(repeating: "n", count: 65_000)
      #expect(try !shop.accepts(long, "s3cret"))
      #expect(try !shop.accepts("jane", String(repeating: "p", count: 65_000)))
      #expect(shop.broker.isRunning)
    }
  }

  @Test func `who takes over a client id gets nothing that its owner asked for`() async throws {
    try await Shop.open { shop in
      let buyer = try await shop.buyer()
      try shop.pay(60_000, by: buyer, for: "jane", "s3cret")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      var options = Client.Options(username: "jane", password: "s3cret")
      options.clientID = "janes"
      let jane = try shop.client(options)
      try jane.subscribe(to: "$SYS/paywall/#")
      #expect(jane.awaitArrival(of: SystemTopic.account) != nil)
      #expect(jane.awaitArrival(of: SystemTopic.key) != nil)
      let stranger = Client.Options(clientID: "janes")
      #expect(
        try Client(port: shop.broker.port, stranger).connect() == Client.Reason.v311NotAuthorized)
      jane.disconnect()
      let thief = try shop.client(stranger)
      try thief.subscribe(to: "sensor/1m")
      // An anonymous client's id may be taken over, but not what it has asked for.
      let asker = try shop.client(Client.Options(clientID: "asker"))
      try asker.subscribe(to: SystemTopic.key)
      let taker = try shop.client(Client.Options(clientID: "asker"))
      try taker.subscribe(to: "sensor/1m")
      let witness = try shop.client(.init(username: "jane", password: "s3cret"))
      try witness.subscribe(to: SystemTopic.account)
      #expect(witness.awaitArrival(of: SystemTopic.account) != nil)
      let paid = try shop.pay(60_000, by: buyer, for: "jane", "s3cret")
      #expect(
        witness.awaitArrival(of: SystemTopic.account) { $0.text.contains(paid.digest) } != nil)
      let agent = try shop.client("agent")
      try agent.publish("sensor/1m", "free", qos: 1)
      for client in [thief, taker] {
        #expect(client.awaitArrival(of: "sensor/1m") != nil)
        #expect(client.arrivals.allSatisfy { !$0.topic.hasPrefix("$SYS") })
      }
    }
  }

  @Test func `ten thousand wrong passwords cost a subscriber no message`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      try shop.pay(600_000, by: try await shop.buyer(), for: "jane", "s3cret")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      let jane = try shop.client(.init(username: "jane", password: "s3cret"))
      try jane.subscribe(to: "sensor/live")
      let first = try #require(jane.awaitArrival(of: "sensor/live").flatMap { Int($0.text) })
      for number in 0..<10_000 {
        let name = ["jane", "buyer:jane", "johndoe", "nobody"][number % 4]
        let attacker = try RawClient(
          port: shop.broker.port,
          .init(username: Array(name.utf8), password: Array("wrong \(number)".utf8)))
        let answer = try attacker.connect()
        #expect(answer == .code(5))
        attacker.close()
      }
      sensor.stop()
      let last = sensor.count - 1
      #expect(jane.awaitArrival(of: "sensor/live") { $0.text == "\(last)" } != nil)
      #expect(jane.arrivals.compactMap { Int($0.text) } == Array(first...last))
      #expect(try shop.accepts("jane", "s3cret"))
    }
  }

  @Test func `ten thousand anonymous connections that ask for keys cost a subscriber no message`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      try shop.pay(600_000, by: try await shop.buyer(), for: "jane", "s3cret")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      let jane = try shop.client(.init(username: "jane", password: "s3cret"))
      try jane.subscribe(to: "sensor/live")
      let first = try #require(jane.awaitArrival(of: "sensor/live").flatMap { Int($0.text) })
      for _ in 0..<100 {
        let askers = try (0..<100).map { _ in try shop.rawClient(.init()) }
        for asker in askers { #expect(try asker.subscribe(to: SystemTopic.key) == 0) }
        // Everybody gets a key, each another.
        var keys: Set<String> = []
        for asker in askers {
          #expect(try asker.awaits(SystemTopic.key))
          keys.formUnion(asker.arrivals.map(\.text))
          asker.close()
        }
        #expect(keys.count == 100)
      }
      sensor.stop()
      let last = sensor.count - 1
      #expect(jane.awaitArrival(of: "sensor/live") { $0.text == "\(last)" } != nil)
      #expect(jane.arrivals.compactMap { Int($0.text) } == Array(first...last))
    }
  }
}

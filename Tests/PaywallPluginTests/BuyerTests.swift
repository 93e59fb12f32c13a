import CMosquittoPlugin
import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import TestSupport
import Testing
import Wallet

@testable import PaywallPlugin

private let success = MOSQ_ERR_SUCCESS.rawValue
private let denied = MOSQ_ERR_ACL_DENIED.rawValue
private let deferred = MOSQ_ERR_PLUGIN_DEFER.rawValue
private let refused = MOSQ_ERR_AUTH.rawValue

/// What a stranger sees and does: offers, keys, sealed memos, logins and notices.
@Suite(.timeLimit(.minutes(5))) struct BuyerTests {
  private func withPlugin(
    _ market: Market, _ body: @escaping @Sendable (PluginHost) throws -> Void
  ) async throws {
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == success)
      try body(host)
      #expect(host.stop() == success)
      _ = host.published()
    }
    await market.tangle.stop()
  }

  /// Subscribes as an anonymous client does, and takes the key that it is told.
  private static func key(_ host: PluginHost, _ id: String = "stranger") throws -> MemoKey {
    let client = PluginHost.Connection(id: id, username: nil)
    #expect(host.connect(client) == deferred)
    #expect(host.subscribe(client, to: "$SYS/paywall/key") == success)
    let told = try #require(host.awaitPublished(SystemTopic.key))
    #expect(told.clientID == id && !told.isRetained)
    guard case .string(let keyID)? = told.json["id"], case .string(let text)? = told.json["key"]
    else { throw POSIXError(.EINVAL) }
    host.disconnect(client)
    return try #require(MemoKey(id: keyID, key: text))
  }

  private static func memo(
    _ key: MemoKey, _ username: String, _ password: String, offer: String? = nil
  ) throws -> String {
    var members = ["username": username, "password": password]
    members["offer"] = offer
    let json = try JSONEncoder().encode(members)
    return #"{"sealed":"\#(try #require(key.seal(Array(json))))"}"#
  }

  private static func canLogIn(
    _ host: PluginHost, _ username: String, _ password: String
  ) -> Bool {
    host.login(username: username, password: password) == (success, "buyer:\(username)")
  }

  @Test func `what is sold is told to anyone, and told again when it changes`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let told = try #require(host.awaitPublished(SystemTopic.offers))
      #expect(told.clientID == nil && told.isRetained)
      #expect(told.json["address"] == .string(market.seller.description))
      #expect(told.json["network"] == .string(market.tangle.chainIdentifier))
      #expect(told.json["protocol"] == "rebased-jsonrpc")
      #expect(told.json["realm"] == "plug.example")
      #expect(
        told.json["offers"]
          == [
            [
              "name": "live", "topics": ["sensor/live"], "price_nanos": 1000, "per_ms": 1000,
              "minimum_ms": 1, "clients": 0,
            ]
          ])
      #expect(host.read(SystemTopic.offers, username: nil) == success)
      #expect(host.check(MOSQ_ACL_WRITE, SystemTopic.offers, username: "agent") == denied)
      for _ in 0..<5 { #expect(host.published().isEmpty) }
      let text = try String(contentsOfFile: host.configurationPath, encoding: .utf8)
      try text.replacing("1000 nanos", with: "2000 nanos")
        .write(toFile: host.configurationPath, atomically: true, encoding: .utf8)
      #expect(host.reload() == success)
      let changed = try #require(host.awaitPublished(SystemTopic.offers))
      #expect(changed.text.contains(#""price_nanos":2000"#), "\(changed.text)")
    }
  }

  @Test func `each client gets keys of its own, and nobody may read another's`() async throws {
    try await withPlugin(Market()) { host in
      let first = try Self.key(host, "one")
      let second = try Self.key(host, "two")
      #expect(first != second && first.id != second.id)
      for topic in [SystemTopic.key, SystemTopic.account] {
        #expect(host.read(topic, username: nil) == denied)
        #expect(host.read(topic, username: "buyer:jane") == denied)
      }
      let client = PluginHost.Connection(id: "three", username: nil)
      #expect(host.connect(client) == deferred)
      #expect(host.subscribe(client, to: "#") == success)
      #expect(host.subscribe(client, to: "$SYS/paywall/key") == success)
      #expect(host.check(MOSQ_ACL_UNSUBSCRIBE, "$SYS/paywall/key", by: client) == success)
      #expect(host.published().filter { $0.clientID != nil }.isEmpty)
      #expect(host.subscribe(client, to: "$SYS/#") == success)
      host.disconnect(client)
      let next = PluginHost.Connection(id: "three", username: nil)
      #expect(host.connect(next) == deferred)
      #expect(host.published().filter { $0.clientID != nil }.isEmpty, "it has not subscribed")
    }
  }

  @Test func `credentials in a payment make an account, which can log in and read`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      #expect(!Self.canLogIn(host, "jane", "s3cret"))
      try market.pay(60_000, memo: try Self.memo(key, "jane", "s3cret"))
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      #expect(host.login(username: "buyer:jane", password: "s3cret") == (success, "buyer:jane"))
      #expect(host.read("sensor/live", username: "buyer:jane") == success)
      #expect(host.read("sensor/live", username: "jane") == denied, "a broker account's name")
      // A wrong password may be right for an account of the broker's.
      for wrong in ["", "s3cre", "s3cret ", "S3CRET", String(repeating: "x", count: 65_535)] {
        #expect(host.login(username: "jane", password: wrong) == (deferred, "jane"))
        #expect(host.login(username: "buyer:jane", password: wrong).code == refused)
      }
      #expect(host.login(username: "jane", password: nil).code == deferred)
      #expect(host.login(username: "Jane", password: "s3cret").code == deferred)
      #expect(host.login(username: "buyer:buyer:jane", password: "s3cret").code == refused)
      // A SIGHUP asks with the name inside the broker; a session from disk has no password.
      #expect(host.reload() == success)
      #expect(host.login(username: "buyer:jane", password: "s3cret").code == success)
      let restored = host.login(
        username: "buyer:jane", password: nil, address: nil, version: 0)
      #expect(restored.code == success)
    }
  }

  @Test func `an account and its login outlive the broker`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      try market.pay(3_600_000, memo: try Self.memo(key, "jane", "s3cret"))
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      host.stop()
      #expect(host.start() == success)
      #expect(Self.canLogIn(host, "jane", "s3cret"), "at once")
      #expect(host.read("sensor/live", username: "buyer:jane") == success)
      // A key from before the restart is as good as ever.
      try market.pay(60_000, memo: try Self.memo(key, "joe", "other"))
      #expect(eventually { Self.canLogIn(host, "joe", "other") })
    }
  }

  @Test func `a taken name is its owner's; the money is not lost`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      let wallet = market.buyer.address.description
      try market.pay(60_000, memo: try Self.memo(key, "jane", "s3cret"))
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      try market.pay(60_000, memo: try Self.memo(key, "jane", "guessed"))
      #expect(eventually { host.read("sensor/live", username: wallet) == success })
      #expect(!Self.canLogIn(host, "jane", "guessed"))
      #expect(Self.canLogIn(host, "jane", "s3cret"))
    }
  }

  @Test func `a memo for another broker's secret counts for its sender`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let other = try #require(MasterKey(Array(repeating: 7, count: 32))).newMemoKey()
      try market.pay(60_000, memo: try Self.memo(other, "jane", "s3cret"))
      let wallet = market.buyer.address.description
      #expect(eventually { host.read("sensor/live", username: wallet) == success })
      #expect(!Self.canLogIn(host, "jane", "s3cret"))
    }
  }

  @Test func `a client is told what its account holds, and what becomes of it`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      let memo = try Self.memo(key, "jane", "s3cret")
      let first = try market.pay(2500, memo: memo)
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      let jane = PluginHost.Connection(id: "jane", username: "jane")
      #expect(host.connect(jane, password: "s3cret") == success)
      #expect(host.subscribe(jane, to: "$SYS/paywall/account") == success)
      let answer = try #require(host.awaitPublished(SystemTopic.account))
      #expect(answer.clientID == "jane" && answer.json["notice"] == nil)
      #expect(answer.json["username"] == "buyer:jane")
      guard case .object(let payment)? = answer.offer("live", "last_payment") else {
        Issue.record("no payment in \(answer.text)")
        return
      }
      #expect(payment["digest"] == .string(first.description))
      #expect(payment["amount_nanos"] == 2500)
      let soon = host.awaitPublished(SystemTopic.account) { $0.notice("kind") == "ends_soon" }
      #expect(soon?.notice("offer") == "live")
      let ended = try #require(
        host.awaitPublished(SystemTopic.account) { $0.notice("kind") == "ended" })
      #expect(ended.offer("live", "until") == .null)
      let second = try market.pay(600_000, memo: memo)
      let accepted = try #require(
        host.awaitPublished(SystemTopic.account) { $0.notice("kind") == "accepted" })
      #expect(accepted.notice("payment") == .string(second.description))
      guard case .string(let until)? = accepted.offer("live", "until") else {
        Issue.record("no end in \(accepted.text)")
        return
      }
      #expect(until.hasSuffix("Z") && until.count == 24, "\(until)")
      host.disconnect(jane)
    }
  }

  @Test func `too little is told, with what is missing`() async throws {
    let market = try await Market()
    let configuration = PluginHost.configuration(market.settings, more: #"minimum = "10s""#)
    try await onThread {
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      let key = try Self.key(host)
      let memo = try Self.memo(key, "jane", "s3cret")
      try market.pay(4000, memo: memo)
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      let jane = PluginHost.Connection(id: "jane", username: "jane")
      #expect(host.connect(jane, password: "s3cret") == success)
      #expect(host.subscribe(jane, to: "$SYS/paywall/#") == success)
      let answer = try #require(host.awaitPublished(SystemTopic.account))
      #expect(answer.offer("live", "credit_nanos") == 4000)
      #expect(answer.offer("live", "until") == .null)
      try market.pay(1000, memo: memo)
      let told = try #require(
        host.awaitPublished(SystemTopic.account) { $0.notice("kind") == "too_little" })
      #expect(told.notice("missing_nanos") == 5000)
      #expect(told.offer("live", "credit_nanos") == 5000)
      try market.pay(5000, memo: memo)
      #expect(host.awaitPublished(SystemTopic.account) { $0.notice("kind") == "accepted" } != nil)
    }
    await market.tangle.stop()
  }

  @Test func `nobody else is told of an account`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      let memo = try Self.memo(key, "jane", "s3cret")
      try market.pay(60_000, memo: memo)
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      let jane = PluginHost.Connection(id: "jane", username: "jane")
      let namesake = PluginHost.Connection(id: "namesake", username: "jane")
      let anonymous = PluginHost.Connection(id: "anonymous", username: nil)
      #expect(host.connect(jane, password: "s3cret") == success)
      #expect(host.connect(namesake, password: "of the broker's account") == deferred)
      #expect(host.connect(anonymous) == deferred)
      var answers: [String: String] = [:]
      for client in [jane, namesake, anonymous] {
        #expect(host.subscribe(client, to: "$SYS/paywall/account") == success)
        let told = try #require(
          host.awaitPublished(SystemTopic.account) { $0.clientID == client.id })
        answers[client.id] = told.text
      }
      #expect(answers["anonymous"] == #"{"offers":{},"username":null}"#)
      #expect(answers["namesake"] == #"{"offers":{},"username":"jane"}"#)
      #expect(answers["jane"]?.contains(#""username":"buyer:jane""#) ?? false)
      try market.pay(60_000, memo: memo)
      let accepted = try #require(
        host.awaitPublished(SystemTopic.account) { $0.notice("kind") == "accepted" })
      #expect(accepted.clientID == "jane")
      // The id passes to somebody else, who has not asked for anything.
      host.disconnect(jane)
      let thief = PluginHost.Connection(id: "jane", username: nil)
      let again = PluginHost.Connection(id: "again", username: "jane")
      #expect(host.connect(thief) == refused, "what was published may not be delivered yet")
      host.disconnect(thief)
      host.tick()
      #expect(host.connect(thief) == deferred)
      #expect(host.connect(again, password: "s3cret") == success)
      #expect(host.subscribe(again, to: "$SYS/paywall/account") == success)
      #expect(host.awaitPublished(SystemTopic.account)?.clientID == "again")
      try market.pay(60_000, memo: memo)
      var told: [Published] = []
      #expect(
        eventually {
          told += host.published()
          return told.contains { $0.notice("kind") == "accepted" }
        })
      #expect(told.allSatisfy { $0.clientID == "again" })
    }
  }

  @Test func `what an admin gives and takes is told too`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let friend = PluginHost.Connection(id: "friend", username: "friend")
      #expect(host.connect(friend) == deferred)
      #expect(host.subscribe(friend, to: "$SYS/paywall/account") == success)
      #expect(host.awaitPublished(SystemTopic.account)?.json["offers"] == [:])
      let shell = Shell(path: host.scratch.path("paywall.db"))
      try shell.run("INSERT INTO grants VALUES (7, 'friend', \(Shell.granted), NULL)")
      let given = try #require(host.awaitPublished(SystemTopic.account))
      #expect(given.json["notice"] == nil && given.offer("live", "until") != .null)
      try shell.run("DELETE FROM grants WHERE id = 7")
      let taken = try #require(host.awaitPublished(SystemTopic.account))
      #expect(taken.notice("kind") == "ended")
    }
  }

  @Test(arguments: [false, true])
  func `a SIGHUP makes no buyer of a client that came under a name of the broker's own`(
    isBrokerNewer: Bool
  ) async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      let client = PluginHost.Connection(id: "one", username: "jane")
      let offline = PluginHost.Connection(id: "two", username: "jane", isClean: false)
      #expect(host.connect(client, password: "s3cret") == deferred)
      #expect(host.connect(offline, password: "s3cret") == deferred)
      host.disconnect(offline)
      if isBrokerNewer { host.find([client, offline]) }
      try market.pay(60_000, memo: try Self.memo(key, "jane", "s3cret"))
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      host.tick()
      #expect(host.reload() == success)
      #expect(host.connect(client, password: "s3cret") == deferred)
      #expect(host.connect(offline, password: "s3cret") == deferred)
      host.disconnect(client)
      // Whoever comes is let in, also before the next turn.
      #expect(Self.canLogIn(host, "jane", "s3cret"))
      host.tick()
      let next = PluginHost.Connection(id: "one", username: "jane")
      #expect(host.connect(next, password: "s3cret") == success)
    }
  }

  @Test func `who is locked out, or loses the name, is disconnected`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      for name in ["jane", "joe"] {
        try market.pay(600_000, memo: try Self.memo(key, name, "s3cret"))
        #expect(eventually { Self.canLogIn(host, name, "s3cret") })
      }
      let shell = Shell(path: host.scratch.path("paywall.db"))
      try Sessions.with(host) { sessions in
        for (id, name) in [("one", "jane"), ("two", "jane"), ("three", "joe")] {
          let client = PluginHost.Connection(id: id, username: name)
          sessions.connect(client, password: "s3cret")
        }
        sessions.connect(PluginHost.Connection(id: "other", username: nil))
        try shell.run(
          "UPDATE accounts SET password_hash = NULL WHERE username = 'buyer:jane'")
        #expect(
          eventually {
            host.tick()
            return sessions.kicked.sorted() == ["one", "two"]
          })
        #expect(!Self.canLogIn(host, "jane", "s3cret"))
        // A change that withdraws nothing disconnects nobody.
        try market.pay(600_000, memo: try Self.memo(key, "ann", "s3cret"))
        #expect(eventually { Self.canLogIn(host, "ann", "s3cret") })
        for _ in 0..<20 { host.tick() }
        #expect(sessions.kicked.count == 2)
        // Whoever is given another password has to log in with it.
        try shell.run(
          """
          UPDATE accounts SET password_hash = (
            SELECT password_hash FROM accounts WHERE username = 'buyer:ann')
          WHERE username = 'buyer:joe'
          """)
        #expect(
          eventually {
            host.tick()
            return sessions.kicked.last == "three"
          })
        sessions.disconnect("other")
      }
    }
  }

  @Test func `a wallet's login is not checked again when the configuration is read`() async throws {
    try await withPlugin(Market()) { host in
      let key = PrivateKey()
      let name = key.address.description
      let wallet = PluginHost.Connection(id: "wallet", username: name)
      let expiryS = Int64(Date().timeIntervalSince1970) + 3600
      let password = WalletLogin.password(key: key, realm: "plug.example", expiryS: expiryS)
      #expect(host.connect(wallet, password: password) == success)
      #expect(host.reload() == success)
      #expect(host.connect(wallet, password: "no signature at all") == success)
      host.tick()
      // In a turn of its own it is a new CONNECT, whatever record the broker keeps it in.
      #expect(host.connect(wallet, password: "no signature at all") == refused)
      host.disconnect(wallet)
      #expect(host.reload() == success)
      #expect(host.connect(wallet, password: "no signature at all") == refused)
      #expect(host.connect(wallet, password: password) == success)
      host.disconnect(wallet)
    }
  }

  @Test func `thousands of connections of one account are told in turns`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let key = try Self.key(host)
      try market.pay(60_000, memo: try Self.memo(key, "jane", "s3cret"))
      #expect(eventually { Self.canLogIn(host, "jane", "s3cret") })
      let clients = (0..<2000).map { PluginHost.Connection(id: "\($0)", username: "jane") }
      for client in clients {
        #expect(host.connect(client, password: "s3cret") == success)
        #expect(host.subscribe(client, to: "$SYS/paywall/account") == success)
      }
      var told: Set<String> = []
      var most = 0
      #expect(
        eventually {
          let messages = host.published().filter { $0.topic == SystemTopic.account }
          most = max(most, messages.count)
          told.formUnion(messages.compactMap(\.clientID))
          return told.count == clients.count
        })
      try market.pay(60_000, memo: try Self.memo(key, "jane", "s3cret"))
      var accepted: Set<String> = []
      #expect(
        eventually {
          let messages = host.published().filter { $0.notice("kind") == "accepted" }
          most = max(most, messages.count)
          accepted.formUnion(messages.compactMap(\.clientID))
          return accepted.count == clients.count
        })
      #expect(most <= 500)
      for client in clients { host.disconnect(client) }
    }
  }

  @Test func `a thousand clients that ask for keys wait their turn`() async throws {
    try await withPlugin(Market()) { host in
      let clients = (0..<1000).map { PluginHost.Connection(id: "client-\($0)", username: nil) }
      for client in clients {
        #expect(host.connect(client) == deferred)
        #expect(host.subscribe(client, to: "$SYS/paywall/key") == success)
      }
      var told: Set<String> = []
      var turns = 0
      while told.count < clients.count, turns < 100 {
        let keys = host.published().filter { $0.topic == SystemTopic.key }
        #expect(keys.count <= 50)
        for key in keys { #expect(told.insert(key.clientID ?? "").inserted) }
        turns += 1
      }
      #expect(told.count == 1000 && turns <= 21)
      for client in clients { host.disconnect(client) }
    }
  }
}

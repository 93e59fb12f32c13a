import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// Several brokers sell over one address, each by a ledger of its own; a bridge carries the data.
@Suite(.onOwnThread)
struct SeveralBrokersTests {
  /// A broker that gets the feed from the shop's, as README has it.
  private static func branch(of shop: Shop) throws -> Mosquitto {
    var settings = Mosquitto.Settings()
    settings.moreLines = [
      "connection head-office", "address 127.0.0.1:\(shop.broker.port)", "topic sensor/# in 0",
      "remote_username agent", "remote_password \(Mosquitto.password(of: "agent"))",
      "restart_timeout 1",
    ]
    let branch = try Mosquitto(settings)
    try FileManager.default.copyItem(atPath: shop.broker.secretPath, toPath: branch.secretPath)
    try branch.scratch.write(
      shop.settings.toml(ledger: branch.ledgerPath, secret: branch.secretPath),
      to: "paywall.toml")
    try branch.start()
    return branch
  }

  private static func login(_ broker: Mosquitto, _ name: String, _ password: String) throws
    -> Client
  {
    var client: Client?
    let isIn = try eventually(within: 20) {
      let new = try Client(port: broker.port, .init(username: name, password: password))
      guard try new.connect() == 0 else { return false }
      client = new
      return true
    }
    guard isIn, let client else { throw TestFailure("\(name) cannot log in") }
    return client
  }

  @Test func `what is bought at one opens the topic on all`() async throws {
    try await Shop.open { shop in
      let branch = try Self.branch(of: shop)
      let sensor = try shop.sensor("sensor/live")
      // One has its key from the head office, the other from the branch.
      let buyer = try await shop.buyer()
      try shop.pay(600_000, by: buyer, for: "jane", "jane's")
      let stranger = try Client(port: branch.port, .init())
      #expect(try stranger.connect() == 0)
      try stranger.subscribe(to: SystemTopic.key)
      let told = try #require(stranger.awaitArrival(of: SystemTopic.key))
      let key = try #require(MemoKey(told.text))
      _ = try buyer.pay(600_000, memos: [try key.memo("joe", "joe's")])

      for broker in [shop.broker, branch] {
        for (name, password) in [("jane", "jane's"), ("joe", "joe's")] {
          let client = try Self.login(broker, name, password)
          try client.subscribe(to: "sensor/live")
          #expect(client.awaitArrival(of: "sensor/live") != nil)
          client.disconnect()
        }
      }
      let unpaid = try Client(port: branch.port, .init())
      #expect(try unpaid.connect() == 0)
      for topic in ["sensor/live", "sensor/1m"] { try unpaid.subscribe(to: topic) }
      try shop.client("agent").publish("sensor/1m", "free")
      #expect(unpaid.awaitArrival(of: "sensor/1m") != nil)
      #expect(unpaid.arrivals(of: "sensor/live").isEmpty)
      sensor.stop()

      // They have never talked to each other about it.
      let ledgers = [shop.ledger, LedgerFile(path: branch.ledgerPath)]
      let bought = try ledgers.map { try $0.grants().filter { $0.kind == "bought" } }
      #expect(bought[0].count == 2 && Set(bought[0]) == Set(bought[1]))
      #expect(try branch.stop().status == 0)
    }
  }
}

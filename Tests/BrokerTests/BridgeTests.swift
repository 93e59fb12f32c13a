import Testing
import TestSupport

/// Bridges between two brokers, one of which has the plugin.
@Suite(.onOwnThread)
struct BridgeTests {
  @Test func `a bridge from another broker is a client like any other`() async throws {
    try await Shop.open { shop in
      let remote = try Self.plainBroker(
        bridge: [
          "connection shop", "address 127.0.0.1:\(shop.broker.port)",
          "topic sensor/live both 1", "topic sensor/1m in 1", "remote_username johndoe",
          "remote_password \(Mosquitto.password(of: "johndoe"))", "restart_timeout 1",
        ])
      let reader = try Self.client(remote)
      for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic, qos: 1) }
      let agent = try shop.client("agent")
      try Self.await(agent, reader)
      #expect(try !agent.reaches(reader, qos: 1))
      // It publishes as little as any other payer.
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#", qos: 1)
      try Self.client(remote).publish("sensor/live", "forged", qos: 1)
      #expect(reader.awaitArrival(of: "sensor/live") { $0.text == "forged" } != nil)

      try shop.grant("johndoe")
      #expect(try eventually { try agent.reaches(reader, qos: 1) })
      try shop.revoke("johndoe")
      #expect(try eventually { try !agent.reaches(reader, qos: 1) })
      #expect(!watcher.arrivals.contains { $0.text == "forged" })
      #expect(try remote.stop().status == 0)
    }
  }

  /// Mosquitto asks no plugin about what it sends along a bridge of its own, or gets from there.
  @Test func `an outgoing bridge carries everything, whoever has paid`() async throws {
    let remote = try Self.plainBroker()
    var mosquitto = Mosquitto.Settings()
    mosquitto.moreLines = [
      "connection leak", "address 127.0.0.1:\(remote.port)", "topic sensor/# both 1",
      "restart_timeout 1",
    ]
    try await Shop.open(mosquitto) { shop in
      let stranger = try Self.client(remote)
      for topic in ["sensor/live", "sensor/1m"] { try stranger.subscribe(to: topic, qos: 1) }
      let agent = try shop.client("agent")
      try Self.await(agent, stranger)
      #expect(try agent.reaches(stranger, qos: 1))

      // The other way, strangers publish to what is sold here.
      let payer = try shop.client("johndoe")
      let unpaid = try shop.client("janedoe")
      for client in [payer, unpaid] {
        for topic in ["sensor/live", "sensor/1m"] { try client.subscribe(to: topic, qos: 1) }
      }
      try shop.grant("johndoe")
      #expect(try eventually { try agent.reaches(payer, qos: 1) })
      let forger = try Self.client(remote)
      #expect(try forger.reaches(payer, qos: 1))
      #expect(try !forger.reaches(unpaid, qos: 1))
      #expect(try shop.broker.stop().status == 0)
      #expect(try remote.stop().status == 0)
    }
  }

  /// A broker without the plugin, where everybody may do everything.
  private static func plainBroker(bridge: [String] = []) throws -> Mosquitto {
    var settings = Mosquitto.Settings(hasPasswords: false, pluginLines: [])
    settings.moreLines = bridge
    let broker = try Mosquitto(settings)
    try broker.start()
    return broker
  }

  private static func client(_ broker: Mosquitto) throws -> Client {
    let client = try Client(port: broker.port, .init())
    guard try client.connect() == 0 else { throw TestFailure("the plain broker refuses") }
    return client
  }

  /// Waits until the bridge is there.
  private static func await(_ agent: Client, _ reader: Client) throws {
    let isThere = try eventually {
      try agent.publish("sensor/1m", "is it there?", qos: 1)
      return reader.awaitArrival(of: "sensor/1m", withinS: 0.1) != nil
    }
    guard isThere else { throw TestFailure("the bridge does not come up") }
  }
}

import Testing
import TestSupport

/// Wills: judged as WRITE, when the broker publishes them.
@Suite(.onOwnThread)
struct WillTests {
  @Test(arguments: Client.Version.allCases)
  func `a payer's will is published nowhere, the agent's like a message`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#", qos: 2)
      let unpaid = try shop.client("janedoe")
      try unpaid.subscribe(to: "sensor/#", qos: 2)
      try shop.grant("johndoe")
      for qos: Int32 in 0...2 {
        for name in ["johndoe", nil] {
          try breakConnection(shop, name, version, "sensor/live", "forged", qos)
          try breakConnection(shop, name, version, "sensor/1m", "forged", qos)
        }
        try breakConnection(shop, "agent", version, "sensor/live", "agent \(qos)", qos)
        try breakConnection(shop, "agent", version, "sensor/1m", "agent \(qos)", qos)
        #expect(watcher.awaitArrival(of: "sensor/1m") { $0.text == "agent \(qos)" } != nil)
      }
      let expected = (0...2).map { "agent \($0)" }
      for topic in ["sensor/live", "sensor/1m"] {
        #expect(eventually { watcher.arrivals(of: topic).map(\.text) == expected }, "\(topic)")
      }
      #expect(eventually { unpaid.arrivals.map(\.text) == expected })
      #expect(unpaid.arrivals.allSatisfy { $0.topic == "sensor/1m" })
      // The last one is kept, for who may read it.
      let late = try shop.client("johndoe")
      #expect(
        try eventually {
          try late.subscribe(to: "sensor/live")
          return late.awaitArrival(of: "sensor/live", withinS: 0.1) != nil
        })
      #expect(late.arrivals.allSatisfy { $0.text == "agent 2" && $0.isRetained })
      #expect(watcher.arrivals.count == 6)
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `a right that a SIGHUP gives or takes counts for wills of who is connected`(
    version: Client.Version
  ) async throws {
    try await Shop.open(change: { $0.more = account("friend") }) { shop in
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#", qos: 1)
      let friend = try client(shop, "friend", version, "sensor/live", "friend", 1)
      let johndoe = try client(shop, "johndoe", version, "sensor/live", "johndoe", 1)
      shop.settings.more = account("johndoe")
      try shop.reload()
      // The next turn of the broker's loop takes it over.
      let probe = try shop.client("johndoe", version: .v5)
      #expect(
        try eventually {
          try probe.publish("sensor/live", "probe", qos: 1) == Client.Reason.success
        })
      friend.breakConnection()
      johndoe.breakConnection()
      #expect(watcher.awaitArrival(of: "sensor/live") { $0.text == "johndoe" } != nil)
      try probe.publish("sensor/live", "last", qos: 1)
      #expect(watcher.awaitArrival(of: "sensor/live") { $0.text == "last" } != nil)
      #expect(!watcher.arrivals.contains { $0.text == "friend" })
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `a will of a connection that is taken over is judged too`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#", qos: 1)
      for name in ["johndoe", "agent"] {
        var options = options(name, version, "sensor/live", name, 1)
        options.clientID = "the same"
        let first = try shop.client(options)
        options.will = nil
        let second = try shop.client(options)
        #expect(eventually { first.disconnections == 1 })
        second.disconnect()
      }
      #expect(watcher.awaitArrival(of: "sensor/live") { $0.text == "agent" } != nil)
      #expect(watcher.arrivals.map(\.text) == ["agent"])
    }
  }

  private func account(_ name: String) -> String {
    """
    [[account]]
    username = "\(name)"
    publish = ["sensor/live"]
    """
  }

  private func breakConnection(
    _ shop: Shop, _ name: String?, _ version: Client.Version, _ topic: String, _ text: String,
    _ qos: Int32
  ) throws {
    try client(shop, name, version, topic, text, qos).breakConnection()
  }

  private func client(
    _ shop: Shop, _ name: String?, _ version: Client.Version, _ topic: String, _ text: String,
    _ qos: Int32
  ) throws -> Client {
    try shop.client(options(name, version, topic, text, qos))
  }

  private func options(
    _ name: String?, _ version: Client.Version, _ topic: String, _ text: String, _ qos: Int32
  ) -> Client.Options {
    Client.Options(
      username: name, password: name.map { Mosquitto.password(of: $0) }, version: version,
      will: .init(topic: topic, text: text, qos: qos, isRetained: true))
  }
}

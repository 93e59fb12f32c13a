import Testing
import TestSupport

/// `per_listener_settings true`, under which Mosquitto 2.0.11 never tells of the turns of its loop.
@Suite(.onOwnThread)
struct PerListenerTests {
  @Test(arguments: Client.Version.allCases)
  func `payments open and time ends`(version: Client.Version) async throws {
    try await Shop.open(Mosquitto.Settings(isPerListener: true)) { shop in
      let agent = try shop.client("agent", version: version)
      let reader = try shop.client("johndoe", version: version)
      for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic, qos: 1) }
      #expect(try !agent.reaches(reader, qos: 1))
      #expect(try reader.subscribe(to: "sensor/1m", qos: 1) == 1)
      let paid = try await shop.buyer().pay(3000, username: "johndoe")
      #expect(try eventually { try agent.reaches(reader, qos: 1) })
      let end = try shop.ledger.settled(paid)
      #expect(end.state == "confirmed")
      #expect(try eventually { try !agent.reaches(reader, qos: 1) })
      let endsAt = try #require(try shop.ledger.grants().only).ends_at
      #expect(nowMs() > endsAt - 1000)
      let forger = try shop.client("johndoe", version: .v5)
      #expect(
        try forger.publish("sensor/live", "forged", qos: 1) == Client.Reason.notAuthorized)

      shop.settings.free = ["sensor/1m", "sensor/live"]
      try shop.configure()
      shop.broker.reload()
      #expect(try eventually { try agent.reaches(reader, qos: 1) })
      #expect(reader.disconnections == 0)
      let (status, tookS) = try shop.broker.stop()
      #expect(status == 0 && tookS < 4)
    }
  }

  @Test func `an idle broker ends at once`() async throws {
    try await Shop.open(Mosquitto.Settings(isPerListener: true)) { shop in
      let (status, tookS) = try shop.broker.stop()
      #expect(status == 0 && tookS < 4)
    }
  }
}

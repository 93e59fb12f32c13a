import Testing
import TestSupport

/// SIGHUP, at which the broker asks about everybody again, with sessions that came from the disk.
@Suite(.onOwnThread)
struct RestoredSessionTests {
  /// Mosquitto 2.0.11, without any plugin, follows freed memory after several SIGHUPs with sessions
  /// of MQTT 5 from the disk: each puts them into its list of those that expire once more.
  private static let versions: [Client.Version] =
    Mosquitto.version < (2, 0, 12) ? [.v31, .v311] : Client.Version.allCases

  @Test(arguments: versions)
  func `reloads under load neither lose a session nor open one`(
    version: Client.Version
  ) async throws {
    try await Shop.open(Mosquitto.Settings(keepsSessions: true)) { shop in
      try shop.grant("johndoe")
      let names = ["johndoe", "janedoe", "friend", nil]
      let all = names.flatMap { name in (1...3).map { durable(name, $0, version) } }
      for options in all {
        let client = try shop.client(options)
        for topic in ["sensor/live", "sensor/1m"] { try client.subscribe(to: topic, qos: 1) }
        client.disconnect()
      }
      try shop.broker.stop()
      try shop.broker.start()

      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      let unpaid = try shop.client("janedoe")
      for client in [reader, unpaid] { try client.subscribe(to: "sensor/+") }
      for round in 1...5 {
        for _ in 1...5 { shop.broker.reload() }
        #expect(shop.broker.logs("was read again", times: round))
        // One session of each comes back in between.
        let back = try all.filter { $0.clientID.hasSuffix("\(round)") }.map { try shop.client($0) }
        let count = sensor.count
        #expect(eventually { sensor.count > count + 20 })
        #expect(back.allSatisfy { $0.disconnections == 0 })
      }
      sensor.stop()
      #expect([reader, unpaid].allSatisfy { $0.disconnections == 0 })
      #expect(sensor.reaches(unpaid, "sensor/1m"))
      #expect(unpaid.arrivals(of: "sensor/live").isEmpty)

      let agent = try shop.client("agent")
      for options in all {
        let client = try shop.client(options)
        // Their subscriptions are still there.
        #expect(try agent.reaches(client, qos: 1) == (options.username == "johndoe"))
        let isOpen = client.arrivals.contains { $0.topic == "sensor/live" }
        #expect(isOpen == (options.username == "johndoe"), "\(options.clientID)")
      }
      #expect(try shop.broker.stop().status == 0)
    }
  }

  private func durable(_ name: String?, _ number: Int, _ version: Client.Version) -> Client.Options
  {
    Client.Options(
      username: name, password: name.map { Mosquitto.password(of: $0) }, version: version,
      clientID: "\(name ?? "anonymous")-\(number)", isClean: false)
  }
}

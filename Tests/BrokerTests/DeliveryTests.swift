import Testing
import TestSupport

/// How what was paid for is delivered: retained, queued, and with which quality of service.
@Suite(.onOwnThread)
struct DeliveryTests {
  @Test(arguments: Client.Version.allCases)
  func `a retained message is withheld until paid, and given at the next SUBSCRIBE`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      try agent.publish("sensor/live", "kept", qos: 1, isRetained: true)
      try agent.publish("sensor/1m", "free", qos: 1, isRetained: true)
      let reader = try shop.client("johndoe", version: version)
      try reader.subscribe(to: "sensor/live")
      try reader.subscribe(to: "sensor/1m")
      #expect(reader.awaitArrival(of: "sensor/1m")?.isRetained == true)
      #expect(reader.arrivals.count == 1)
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.ledger.settled(paid)
      #expect(
        try eventually {
          try reader.subscribe(to: "sensor/live")
          return reader.awaitArrival(of: "sensor/live", withinS: 0.1) != nil
        })
      let kept = try #require(reader.arrivals(of: "sensor/live").first)
      #expect(kept.text == "kept" && kept.isRetained)
    }
  }

  @Test(arguments: [Client.Version.v311, .v5], [0, 1, 2] as [Int32])
  func `paid messages arrive with their quality of service`(
    version: Client.Version, qos: Int32
  ) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent", version: version)
      let reader = try shop.client("johndoe", version: version)
      let unpaid = try shop.client("janedoe", version: version)
      for client in [reader, unpaid] {
        #expect(try client.subscribe(to: "sensor/live", qos: qos) == qos)
      }
      #expect(try agent.publish("sensor/live", "early", qos: qos) == 0)
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.ledger.settled(paid)
      #expect(
        try eventually {
          try agent.publish("sensor/live", "probe", qos: qos)
          return reader.awaitArrival(of: "sensor/live", withinS: 0.1) != nil
        })
      for number in 1...20 { try agent.publish("sensor/live", "\(number)", qos: qos) }
      #expect(reader.awaitArrival(of: "sensor/live") { $0.text == "20" } != nil)
      let numbered = reader.arrivals.filter { Int($0.text) != nil }
      #expect(numbered.map(\.text) == (1...20).map { "\($0)" })
      #expect(numbered.allSatisfy { $0.qos == qos })
      #expect(!reader.arrivals.contains { $0.text == "early" })
      #expect(unpaid.arrivals.isEmpty)
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `what an unpaid client may not read is not kept for it either`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let buyer = try await shop.buyer()
      var options = Client.Options(
        username: "johndoe", password: Mosquitto.password(of: "johndoe"), version: version,
        isClean: false)
      options.clientID = "durable"
      let reader = try shop.client(options)
      try reader.subscribe(to: "sensor/live", qos: 1)
      _ = try buyer.pay(3000, username: "johndoe")
      #expect(
        try eventually {
          try agent.publish("sensor/live", "while paid", qos: 1)
          return reader.awaitArrival(of: "sensor/live", withinS: 0.1) != nil
        })
      reader.disconnect()
      try agent.publish("sensor/live", "queued while paid", qos: 1)
      let end = try #require(try shop.ledger.grants().only).ends_at
      #expect(eventually { nowMs() > end + 1000 })
      for number in 1...5 { try agent.publish("sensor/live", "unpaid \(number)", qos: 1) }

      // The time is over, so that even what was queued before is not delivered.
      let back = try shop.client(options)
      try back.subscribe(to: "sensor/1m", qos: 1)
      try agent.publish("sensor/1m", "free", qos: 1)
      #expect(back.awaitArrival(of: "sensor/1m") != nil)
      #expect(back.arrivals(of: "sensor/live").isEmpty)

      // The subscription is still there, and opens again.
      _ = try buyer.pay(60_000, username: "johndoe")
      #expect(
        try eventually {
          try agent.publish("sensor/live", "paid again", qos: 1)
          return back.awaitArrival(of: "sensor/live", withinS: 0.1) != nil
        })
      #expect(Set(back.arrivals(of: "sensor/live").map(\.text)) == ["paid again"])
    }
  }
}

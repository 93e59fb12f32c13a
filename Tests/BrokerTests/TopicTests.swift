import Testing
import TestSupport

/// Who may read, publish and subscribe where.
@Suite(.onOwnThread)
struct TopicTests {
  @Test func `wildcards deliver what is free and withhold what is sold`() async throws {
    try await Shop.open { shop in
      let filters = ["#", "sensor/+", "+/live", "sensor/#", "sensor/live", "+/+"]
      let readers = try filters.map { filter in
        let client = try shop.client()
        #expect(try client.subscribe(to: filter) == 0)
        return client
      }
      let sensor = try shop.sensor("sensor/live", "sensor/1m", "sensor/status")
      #expect(eventually { sensor.count > 20 })
      sensor.stop()
      for (filter, reader) in zip(filters, readers) {
        let isFreeToo = !filter.hasSuffix("live")
        let expected = isFreeToo ? sensor.count : 0
        #expect(eventually { reader.arrivals(of: "sensor/1m").count == expected }, "\(filter)")
        #expect(eventually { reader.arrivals(of: "sensor/status").count == expected }, "\(filter)")
        #expect(reader.arrivals(of: "sensor/live").isEmpty, "\(filter)")
      }
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `UNSUBSCRIBE ends a subscription, paid or not`(version: Client.Version) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let reader = try shop.client("johndoe", version: version)
      let other = try shop.client()
      for topic in ["sensor/1m", "sensor/live"] { try reader.subscribe(to: topic) }
      try other.subscribe(to: "sensor/1m")
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.ledger.settled(paid)
      #expect(
        try eventually {
          try agent.publish("sensor/live", "1")
          return !reader.arrivals.isEmpty
        })
      for topic in ["sensor/1m", "sensor/live"] { try reader.unsubscribe(from: topic) }
      let before = reader.arrivals.count
      for topic in ["sensor/live", "sensor/1m"] { try agent.publish(topic, "2", qos: 1) }
      #expect(other.awaitArrival(of: "sensor/1m") != nil)
      // What the broker still had for it would come before this.
      try reader.subscribe(to: "sensor/status")
      try agent.publish("sensor/status", "3")
      #expect(reader.awaitArrival(of: "sensor/status") != nil)
      #expect(reader.arrivals.count == before + 1)
    }
  }

  @Test func `only configured accounts publish to sold and free topics`() async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent", version: .v5)
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#", qos: 2)
      for qos: Int32 in 0...2 {
        for topic in ["sensor/live", "sensor/1m"] {
          #expect(try agent.publish(topic, "agent \(qos)", qos: qos) == Client.Reason.success)
        }
      }
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.ledger.settled(paid)
      // Reading is what was bought, not publishing.
      for name in ["johndoe", "janedoe", nil] {
        let client = try shop.client(name, version: .v5)
        for topic in ["sensor/live", "sensor/1m", "sensor/status", "other/a"] {
          try client.publish(topic, "forged", qos: 0)
          for qos: Int32 in 1...2 {
            #expect(
              try client.publish(topic, "forged", qos: qos) == Client.Reason.notAuthorized,
              "\(name ?? "anonymous") \(topic) \(qos)")
          }
          let old = try shop.client(name)
          try old.publish(topic, "forged", qos: 2, isRetained: true)
        }
      }
      try agent.publish("sensor/status", "last")
      #expect(watcher.awaitArrival(of: "sensor/status") { $0.text == "last" } != nil)
      #expect(watcher.arrivals.count == 7)
      #expect(!watcher.arrivals.contains { $0.text == "forged" })
    }
  }

  @Test func `a will is published where its client may publish, and nowhere else`() async throws {
    try await Shop.open { shop in
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#")
      for (name, topic) in [
        ("johndoe", "sensor/live"), ("johndoe", "sensor/1m"), ("agent", "sensor/status"),
      ] {
        let client = try shop.client(
          .init(
            username: name, password: Mosquitto.password(of: name),
            will: .init(topic: topic, text: "will of \(name)")))
        client.breakConnection()
      }
      #expect(watcher.awaitArrival(of: "sensor/status")?.text == "will of agent")
      #expect(watcher.arrivals.count == 1)
    }
  }

  @Test func `an acl_file decides about topics that are neither sold nor free`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.aclLines = [
      "topic read public/#", "topic read sensor/live", "topic write sensor/1m", "user friend",
      "topic readwrite public/#", "topic read sensor/live",
    ]
    try await Shop.open(mosquitto) { shop in
      let friend = try shop.client("friend", version: .v5)
      let reader = try shop.client(version: .v5)
      for client in [friend, reader] { try client.subscribe(to: "#", qos: 1) }
      #expect(try friend.publish("public/a", "allowed", qos: 1) == Client.Reason.success)
      #expect(reader.awaitArrival(of: "public/a") != nil)
      #expect(try reader.publish("public/a", "denied", qos: 1) == Client.Reason.notAuthorized)
      #expect(try friend.publish("private/a", "denied", qos: 1) == Client.Reason.notAuthorized)
      // It has no say in what is sold or free, neither way.
      #expect(try reader.publish("sensor/1m", "denied", qos: 1) == Client.Reason.notAuthorized)
      let agent = try shop.client("agent", version: .v5)
      try agent.publish("sensor/live", "sold", qos: 1)
      try agent.publish("sensor/1m", "free", qos: 1)
      #expect(reader.awaitArrival(of: "sensor/1m") != nil)
      #expect(friend.awaitArrival(of: "sensor/1m") != nil)
      for client in [friend, reader] {
        #expect(Set(client.arrivals.map(\.text)) == ["allowed", "free"])
      }
    }
  }

  @Test func `without acl_file Mosquitto denies what is neither sold nor free`() async throws {
    try await Shop.open { shop in
      let friend = try shop.client("friend", version: .v5)
      #expect(try friend.publish("public/a", "1", qos: 1) == Client.Reason.notAuthorized)
      #expect(try friend.subscribe(to: "public/a") == 0)
    }
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a shared subscription to what is sold takes access`(version: Client.Version) async throws {
    try await Shop.open { shop in
      let denied =
        version == .v5 ? Client.Reason.notAuthorized : Client.Reason.v311SubscribeFailed
      let reader = try shop.client("johndoe", version: version)
      let anonymous = try shop.client(version: version)
      for client in [reader, anonymous] {
        for filter in ["$share/g/sensor/live", "$share/g/sensor/+", "$share/g/#"] {
          #expect(try client.subscribe(to: filter) == denied, "\(filter)")
        }
        #expect(try client.subscribe(to: "$share/g/sensor/1m") == 0)
      }
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.ledger.settled(paid)
      #expect(try eventually { try reader.subscribe(to: "$share/g/sensor/live") == 0 })
      #expect(try anonymous.subscribe(to: "$share/g/sensor/live") == denied)
      let agent = try shop.client("agent")
      for number in 1...20 { try agent.publish("sensor/live", "\(number)", qos: 1) }
      #expect(reader.awaitArrival(of: "sensor/live") { $0.text == "20" } != nil)
      #expect(reader.arrivals(of: "sensor/live").count == 20)
      #expect(anonymous.arrivals.isEmpty)
    }
  }

  @Test func `with subscribe = strict an unpaid SUBSCRIBE to what is sold is refused`()
    async throws
  {
    try await Shop.open(change: { $0.subscribe = "strict" }) { shop in
      let reader = try shop.client("johndoe", version: .v5)
      #expect(try reader.subscribe(to: "sensor/live") == Client.Reason.notAuthorized)
      #expect(try reader.subscribe(to: "sensor/#") == 0)
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.ledger.settled(paid)
      #expect(try eventually { try reader.subscribe(to: "sensor/live") == 0 })
    }
  }
}

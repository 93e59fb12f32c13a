import Testing
import TestSupport

/// Topics that begin with `$`: the broker's own, the plugin's, and others.
@Suite(.onOwnThread)
struct DollarTopicTests {
  @Test func `whatever the acl_file says, nobody forges the plugin's topics`() async throws {
    var mosquitto = Mosquitto.Settings()
    let everything = ["topic readwrite $SYS/#", "topic readwrite $data/#"]
    mosquitto.aclLines = everything + ["user johndoe"] + everything + ["user agent"] + everything
    try await Shop.open(mosquitto) { shop in
      let agent = try shop.client("agent", version: .v5)
      let readers = try ["johndoe", nil].map { name in
        let reader = try shop.client(name, version: .v5)
        for filter in ["$SYS/paywall/#", "$data/a"] { try reader.subscribe(to: filter, qos: 1) }
        return reader
      }
      for client in readers + [agent] {
        for topic in ["offers", "account", "key", "x/y"] {
          #expect(
            try client.publish("$SYS/paywall/\(topic)", "forged", qos: 1, isRetained: true)
              == Client.Reason.notAuthorized, "\(topic)")
        }
      }
      try agent.publish("$data/a", "last", qos: 1)
      for reader in readers { #expect(reader.awaitArrival(of: "$data/a") != nil) }
      // The broker's own come as ever.
      for reader in readers {
        #expect(reader.awaitArrival(of: "$SYS/paywall/offers") != nil)
        #expect(!reader.arrivals.contains { $0.text == "forged" })
      }
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `the broker's other rules have $SYS, and without them nobody reads it`(
    version: Client.Version
  ) async throws {
    for isAllowed in [true, false] {
      var mosquitto = Mosquitto.Settings()
      mosquitto.moreLines = ["sys_interval 1"]
      if isAllowed { mosquitto.aclLines = ["topic read $SYS/#"] }
      try await Shop.open(mosquitto) { shop in
        let reader = try shop.client(version: version)
        for filter in ["$SYS/#", "#", "sensor/1m"] { try reader.subscribe(to: filter) }
        if isAllowed {
          #expect(reader.awaitArrival(of: "$SYS/broker/uptime") { !$0.isRetained } != nil)
        } else {
          // The agent's messages stand for the time in which the broker writes some of its own.
          let sensor = try shop.sensor("sensor/1m")
          #expect(eventually { reader.arrivals(of: "sensor/1m").count > 100 })
          sensor.stop()
          let told = Set(reader.arrivals.map(\.topic).filter { $0.hasPrefix("$") })
          #expect(
            told == [
              "$SYS/paywall/offers", "$SYS/paywall/key", "$SYS/paywall/account",
            ])
        }
        #expect(reader.disconnections == 0)
      }
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `a sold # is not $, and a sold $ topic is judged like any other`(
    version: Client.Version
  ) async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.aclLines = ["topic read $data/open", "user friend", "topic write $data/#"]
    try await Shop.open(mosquitto, change: { $0.more = Self.offers }) { shop in
      let agent = try shop.client("friend", version: version)
      let anonymous = try shop.client(version: version)
      let reader = try shop.client("johndoe", version: version)
      for client in [anonymous, reader] {
        for filter in ["#", "+/+", "$data/#", "sensor/1m"] { try client.subscribe(to: filter) }
      }
      for (account, offer) in [("johndoe", "all"), ("janedoe", "dollar")] {
        try shop.grant(account, offer: offer)
      }
      // All of it but `$data` is open to johndoe now.
      #expect(try eventually { try agent.reaches(reader, "other/a") })
      #expect(try !agent.reaches(reader, "$data/live"))
      let payer = try shop.client("janedoe", version: version)
      for filter in ["$data/live", "#", "sensor/1m"] { try payer.subscribe(to: filter) }
      #expect(try eventually { try agent.reaches(payer, "$data/live") })
      #expect(try !agent.reaches(payer, "other/a"))
      // What is not sold is the acl_file's, which lets the anonymous have it.
      #expect(try agent.reaches(anonymous, "$data/open"))
      #expect(try !agent.reaches(anonymous, "$data/live"))
      #expect(try !agent.reaches(anonymous, "other/a"))
      let forger = try shop.client("johndoe", version: .v5)
      #expect(
        try forger.publish("$data/live", "forged", qos: 1) == Client.Reason.notAuthorized)
    }
  }

  /// Mosquitto takes a will for `$CONTROL` before 2.0.16, and ends the connection since.
  @Test func `topics of $CONTROL are the broker's, and harm nobody`() async throws {
    try await Shop.open(change: { $0.more = Self.controller }) { shop in
      let topics = ["$CONTROL/dynamic-security/v1", "$CONTROL/paywall/v1", "$CONTROL/x"]
      for name in ["johndoe", nil, "agent"] {
        let client = try shop.client(name, version: .v5)
        for filter in ["$CONTROL/#"] + topics { try client.subscribe(to: filter) }
        for topic in topics {
          #expect(
            try client.publish(topic, "{}", qos: 1) == Client.Reason.notAuthorized, "\(topic)")
        }
        let dying = try RawConnection(port: shop.broker.port)
        dying.send(
          Packet.connect(
            clientID: Array("dying".utf8), username: name.map { Array($0.utf8) },
            password: name.map { Array(Mosquitto.password(of: $0).utf8) },
            will: (topic: Array(topics[0].utf8), payload: Array("{}".utf8))
          ).bytes)
        let isTaken = try dying.receivePacket()?.body == [0, 0]
        #expect(isTaken == (Mosquitto.version < (2, 0, 16)))
        dying.finish()
        #expect(try dying.isClosedByPeer())
        #expect(client.arrivals.isEmpty && client.disconnections == 0)
      }
      // Whom the configuration lets publish there does not get past the broker's own rules.
      let controller = try shop.client("friend")
      for topic in topics { try controller.publish(topic, "{}", qos: 1) }
      try shop.grant("johndoe")
      let reader = try shop.client("johndoe")
      for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic) }
      #expect(try eventually { try shop.client("agent").reaches(reader) })
      #expect(try shop.broker.stop().status == 0)
    }
  }

  private static let controller = """
    [[account]]
    username = "friend"
    publish = ["$CONTROL/#"]
    """

  private static let offers = """
    [[offer]]
    name = "all"
    topics = ["#"]
    price = "1000 nanos"
    per = "1s"
    [[offer]]
    name = "dollar"
    topics = ["$data/live"]
    price = "1000 nanos"
    per = "1s"
    [[account]]
    username = "friend"
    publish = ["$data/live", "other/#", "sensor/1m"]
    """
}

import Testing
import TestSupport

/// `subscribe = "strict"`: a SUBSCRIBE of which nothing could be read is refused.
@Suite(.onOwnThread)
struct StrictTests {
  @Test(arguments: Client.Version.allCases)
  func `filters that lie wholly in what is sold take access to some of it`(
    version: Client.Version
  ) async throws {
    try await Shop.open(change: { $0.subscribe = "strict" }) { shop in
      // MQTT 3.1 has no answer for it: the broker says yes and subscribes to nothing.
      let denied: Int32 =
        switch version {
        case .v31: 1
        case .v311: Client.Reason.v311SubscribeFailed
        case .v5: Client.Reason.notAuthorized
        }
      let clients = try ["johndoe", "janedoe", nil].map { name in
        let client = try shop.client(name, version: version)
        for filter in ["sensor/live", "other/+", "other/a"] {
          #expect(try client.subscribe(to: filter, qos: 1) == denied, "\(filter)")
        }
        // Part of these is not sold.
        for filter in ["sensor/1m", "sensor/+", "sensor/#", "+/live", "other/#", "#", "+/+"] {
          #expect(try client.subscribe(to: filter, qos: 1) == 1, "\(filter)")
          try client.unsubscribe(from: filter)
        }
        try client.subscribe(to: "sensor/1m", qos: 1)
        return client
      }
      let agent = try shop.client("agent")
      try shop.grant("johndoe", offer: "other")
      #expect(
        try eventually {
          try clients[0].subscribe(to: "other/+", qos: 1)
          return try agent.reaches(clients[0], "other/a", qos: 1)
        })
      // Refused while unpaid, so not subscribed to; and the other offer is not bought.
      #expect(try clients[0].subscribe(to: "sensor/live", qos: 1) == denied)
      try shop.grant("janedoe", offer: "other")
      let late = try shop.client("janedoe", version: version)
      for filter in ["sensor/1m", "other/a"] { try late.subscribe(to: filter, qos: 1) }
      #expect(
        try eventually {
          try late.subscribe(to: "other/a", qos: 1)
          return try agent.reaches(late, "other/a", qos: 1)
        })
      #expect(try !agent.reaches(clients[1], "other/a", qos: 1))
      #expect(try !agent.reaches(clients[2], "other/a", qos: 1))
      // The configured reader subscribes without paying.
      let watcher = try shop.client("agent", version: version)
      #expect(try watcher.subscribe(to: "sensor/live", qos: 1) == 1)
    }
  }
}

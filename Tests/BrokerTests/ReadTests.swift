import Testing
import TestSupport

/// READ, which the broker asks at every delivery.
@Suite(.onOwnThread)
struct ReadTests {
  @Test(arguments: Client.Version.allCases, [0, 1, 2] as [Int32])
  func `one SUBSCRIBE is enough: each message is judged when it is sent`(
    version: Client.Version, qos: Int32
  ) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent", version: version)
      let reader = try shop.client("johndoe", version: version)
      for topic in ["sensor/live", "sensor/1m"] {
        #expect(try reader.subscribe(to: topic, qos: qos) == qos)
      }
      for _ in 1...3 { #expect(try !agent.reaches(reader, qos: qos)) }
      for _ in 1...2 {
        try shop.grant("johndoe")
        #expect(try eventually { try agent.reaches(reader, qos: qos) })
        for _ in 1...3 { #expect(try agent.reaches(reader, qos: qos)) }
        try shop.revoke("johndoe")
        #expect(try eventually { try !agent.reaches(reader, qos: qos) })
        for _ in 1...3 { #expect(try !agent.reaches(reader, qos: qos)) }
      }
      #expect(reader.arrivals.allSatisfy { $0.qos == qos && !$0.isRetained })
      #expect([agent, reader].allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `who may not read takes nothing from those who may`(version: Client.Version) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent", version: version)
      let filters = ["sensor/live", "sensor/+", "#", "+/live/#", "sensor/live/#"]
      let watchers = try filters.map { filter in
        let unpaid = try shop.client("janedoe", version: version)
        let watcher = try shop.client("agent", version: version)
        let anonymous = try shop.client(version: version)
        for client in [unpaid, watcher, anonymous] { try client.subscribe(to: filter, qos: 2) }
        return (unpaid: unpaid, watcher: watcher, anonymous: anonymous)
      }
      for number in 1...30 {
        try agent.publish("sensor/live", "\(number)", qos: Int32(number % 3))
      }
      for (filter, clients) in zip(filters, watchers) {
        #expect(eventually { clients.watcher.arrivals.count >= 30 }, "\(filter)")
        #expect(Set(clients.watcher.arrivals.map(\.text)).count == 30, "\(filter)")
        #expect(clients.unpaid.arrivals.isEmpty && clients.anonymous.arrivals.isEmpty, "\(filter)")
      }
      #expect(agent.disconnections == 0)
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `overlapping subscriptions are judged alike`(version: Client.Version) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let reader = try shop.client("johndoe", version: version)
      for filter in ["sensor/1m", "sensor/live", "sensor/+", "#"] {
        try reader.subscribe(to: filter, qos: 1)
      }
      #expect(try !agent.reaches(reader, qos: 1))
      try shop.grant("johndoe")
      #expect(try eventually { try agent.reaches(reader, qos: 1) })
      try shop.revoke("johndoe")
      #expect(try eventually { try !agent.reaches(reader, qos: 1) })
    }
  }
}

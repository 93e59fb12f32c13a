import Foundation
import TestSupport
import Testing

/// What the plugin takes of the broker's process: threads and open files.
@Suite(.onOwnThread)
struct ProcessLimitTests {
  /// libdispatch names the threads that it makes; those of the plugin bear the broker's name.
  private static func expectOwnThreads(_ shop: Shop, _ when: String) {
    let names = shop.broker.threadNames
    #expect(names.count >= 2 && Set(names).count == 1, "\(when): \(names)")
  }

  @Test func `the broker gets no threads but the plugin's own`() async throws {
    try await Shop.open { shop in
      Self.expectOwnThreads(shop, "after the start")
      let (agent, reader) = (try shop.client("agent"), try shop.client("johndoe"))
      for filter in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: filter) }
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      #expect(try eventually { try agent.reaches(reader) })
      Self.expectOwnThreads(shop, "after a payment")
      let tables = shop.settings.more
      for interval in ["100ms", "200ms", "off"] {
        shop.settings.more = tables + "\n[metrics]\ninterval = \"\(interval)\""
        try shop.reload()
        Self.expectOwnThreads(shop, "after a reload with metrics every \(interval)")
      }
      shop.settings.realm = "elsewhere.test"
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("the configuration stays as it was"))
      Self.expectOwnThreads(shop, "after a reload that failed")
    }
  }

  @Test func `a broker that can open no more files serves whoever is there, and ends`()
    async throws
  {
    try await Shop.open(change: { $0.more += "\n[metrics]\ninterval = \"100ms\"" }) { shop in
      let buyer = try await shop.buyer()
      let agent = try shop.client("agent")
      let (john, jane) = (try shop.client("johndoe"), try shop.client("janedoe"))
      for client in [john, jane] {
        for filter in ["sensor/live", "sensor/1m"] { try client.subscribe(to: filter) }
      }
      try shop.ledger.settled(try buyer.pay(600_000, username: "johndoe"))
      try shop.ledger.settled(try buyer.pay(3000, username: "janedoe"))
      #expect(try eventually { try agent.reaches(jane) })
      // Standard input, output and errors.
      try shop.broker.limitFiles(to: 3)
      #expect(try eventually { try !agent.reaches(jane) }, "what was paid ends")
      #expect(try agent.reaches(john))
      let later = try buyer.pay(600_000, username: "janedoe")
      try shop.broker.limitFiles(to: 1024)
      try shop.ledger.settled(later)
      #expect(try eventually { try agent.reaches(jane) })
      try shop.broker.limitFiles(to: 3)
      let end = try shop.broker.stop()
      #expect(end.status == 0 && end.tookS < 1, "\(end)")
    }
  }
}

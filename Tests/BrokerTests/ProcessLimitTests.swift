import DevTangle
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
      shop.settings.realm = "plug.test"
      try shop.configure()
      try shop.broker.stop()
      try shop.broker.start()
      Self.expectOwnThreads(shop, "after another start")
    }
  }

  /// Pays as soon as the node is back.
  private static func pay(_ buyer: Buyer) -> Buyer.Paid? {
    var paid: Buyer.Paid?
    _ = eventually {
      paid = try? buyer.pay(600_000, username: "janedoe")
      return paid != nil
    }
    return paid
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
      try shop.ledger.settled(try buyer.pay(5000, username: "janedoe"))
      #expect(try eventually { try agent.reaches(jane) })
      // Standard input, output and errors.
      try shop.broker.limitFiles(to: 3)
      // The node closes the connection that is there, and there can be no other.
      try await shop.tangle.setFaults([Fault(.down, value: 300)])
      #expect(shop.broker.logs("cannot connect"))
      let later = try #require(Self.pay(buyer))
      #expect(try eventually { try !agent.reaches(jane) }, "what was paid first ends")
      #expect(try shop.ledger.payment(later.digest) == nil, "what was paid later is not read")
      #expect(try agent.reaches(john))
      try shop.broker.limitFiles(to: 1024)
      try shop.ledger.settled(later)
      #expect(try eventually { try agent.reaches(jane) })
      try shop.broker.limitFiles(to: 3)
      let end = try shop.broker.stop()
      #expect(end.status == 0 && end.tookS < 4, "\(end)")
    }
  }
}

import Foundation
import Testing

/// The numbers on `$SYS/paywall/…`, in a real broker.
struct MetricsTests {
  @Test func `a configured account reads them, a buyer does not`() async throws {
    try await Shop.open(change: { $0.more += "\n[metrics]\ninterval = \"200ms\"" }) { shop in
      let (agent, buyer) = (try shop.client("agent"), try shop.client("johndoe"))
      for client in [agent, buyer] { try client.subscribe(to: "$SYS/paywall/#") }
      try buyer.subscribe(to: "sensor/live")
      #expect(agent.awaitArrival(of: "$SYS/paywall/payments/confirmed") { $0.text == "0" } != nil)
      try shop.ledger.settled(try await shop.buyer().pay(100_000, username: "johndoe"))
      #expect(agent.awaitArrival(of: "$SYS/paywall/payments/confirmed") { $0.text == "1" } != nil)
      #expect(agent.awaitArrival(of: "$SYS/paywall/accounts/active") { $0.text == "1" } != nil)
      #expect(
        agent.awaitArrival(of: "$SYS/paywall/revenue/nanos") { $0.text == "100000" } != nil)
      try agent.publish("sensor/live", "1")
      #expect(buyer.awaitArrival(of: "sensor/live") != nil)
      #expect(
        agent.awaitArrival(of: "$SYS/paywall/deliveries/allowed") { (Int($0.text) ?? 0) > 0 } != nil
      )
      // They are retained: who comes later knows at once.
      let later = try shop.client("agent")
      try later.subscribe(to: "$SYS/paywall/revenue/nanos")
      #expect(
        later.awaitArrival(of: "$SYS/paywall/revenue/nanos") { $0.isRetained }?.text == "100000")
      let told = Set(buyer.arrivals.map(\.topic))
      let open = ["offers", "key", "account"].map { "$SYS/paywall/\($0)" } + ["sensor/live"]
      #expect(told.isSubset(of: open), "\(told)")
    }
  }
}

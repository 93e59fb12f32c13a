import DevTangle
import Foundation
import TestSupport
import Testing

/// The whole line, with payments read over GraphQL.
@Suite(.onOwnThread)
struct GraphQLTests {
  @Test func `a payment opens the topic, and its end closes it`() async throws {
    try await Shop.open(change: { $0.protocol = "rebased-graphql" }) { shop in
      let buyer = try await shop.buyer()
      let sensor = try shop.sensor("sensor/live")
      defer { sensor.stop() }
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      try shop.ledger.settled(try buyer.pay(3000, username: "johndoe"))
      let grant = try #require(try shop.ledger.grants(of: "johndoe").only)
      #expect(grant.ends_at - grant.starts_at == 3000)
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
    }
  }

  @Test func `misbehaviour of the node loses nothing and counts nothing twice`() async throws {
    try await Shop.open(change: { $0.protocol = "rebased-graphql" }) { shop in
      let buyer = try await shop.buyer()
      let faults: [Fault.Kind] = [
        .duplicate, .reorder, .nullCursor, .missingBalanceChanges, .malformed, .truncated,
        .serverError,
      ]
      for kind in faults {
        let fault = Fault(kind, method: "transactionBlocks", count: 2)
        try await shop.tangle.setFaults([fault])
        try shop.ledger.settled(try buyer.pay(1000, username: "johndoe"))
      }
      #expect(try shop.ledger.grants(of: "johndoe").count == faults.count)
    }
  }
}

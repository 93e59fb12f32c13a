import DevTangle
import Foundation
import TestSupport
import Testing

/// A node that lies beside honest ones, where two have to agree.
@Suite(.onOwnThread)
struct AgreementTests {
  @Test(arguments: [PaymentLie.moreMoney, .hidden])
  func `what is bought is what was paid, whatever one node says`(lie: PaymentLie) async throws {
    try await Shop.prepare { shop in
      let liar = try RelayNode(to: shop.tangle.nodeURL)
      let honest = try RelayNode(to: shop.tangle.nodeURL)
      shop.settings.nodes = [liar.url, shop.tangle.nodeURL, honest.url]
      shop.settings.agree = 2
      try shop.configure()
      liar.lie(lie)
      try shop.broker.start()
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let paid = try await shop.buyer().pay(3000, username: "johndoe")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - paid.executedAtMs < 2000)
      let grant = try #require(try shop.ledger.grants().only)
      #expect(grant.ends_at - grant.starts_at == 3000)
      try sensor.publish(untilMs: grant.ends_at + 1500)
      let last = try #require(reader.arrivals(of: "sensor/live").last)
      #expect(abs(last.atMs - grant.ends_at) <= 1000)
      // With one honest node left there are not two to agree: what was bought goes on, nothing new
      // counts until the other is back.
      try shop.ledger.settled(try await shop.buyer().pay(90_000, username: "johndoe"))
      honest.hang()
      let waiting = try await shop.buyer().pay(30_000, username: "janedoe")
      // Which the one that hangs keeps waiting for a while.
      if lie == .moreMoney {
        #expect(shop.broker.logs("\(waiting.digest): \(liar.url) tells", withinS: 30))
      }
      let before = reader.arrivals(of: "sensor/live").count
      #expect(eventually { reader.arrivals(of: "sensor/live").count > before + 20 })
      #expect(try shop.ledger.payment(waiting.digest) == nil)
      honest.hang(false)
      #expect(try shop.ledger.settled(waiting, withinS: 30).amount == 30_000)
      sensor.stop()
    }
  }
}

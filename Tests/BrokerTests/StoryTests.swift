import Testing
import TestSupport
import Wallet

/// A payment opens a topic, and the clock closes it.
@Suite(.onOwnThread)
struct StoryTests {
  @Test func `a subscribed account gets nothing, pays, reads for what it paid, and no longer`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/#")
      #expect(eventually { reader.arrivals(of: "sensor/1m").count >= 25 })
      #expect(reader.arrivals(of: "sensor/live").isEmpty)

      let paid = try await shop.buyer().pay(3000, username: "johndoe")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - paid.executedAtMs < 2000)

      let grant = try #require(try shop.ledger.grants().only)
      #expect(grant.account == "johndoe" && grant.offer == "live" && grant.kind == "bought")
      #expect(grant.ends_at - grant.starts_at == 3000)
      try sensor.publish(untilMs: grant.ends_at + 1500)
      sensor.stop()
      let live = reader.arrivals(of: "sensor/live")
      let last = try #require(live.last)
      #expect((grant.ends_at - 500...grant.ends_at + 1000).contains(last.atMs))
      // Nothing was left out in between.
      let numbers = live.compactMap { Int($0.text) }
      #expect(numbers == Array(try #require(numbers.first)...numbers[numbers.count - 1]))
      #expect(sensor.reaches(reader, "sensor/1m"))
    }
  }

  @Test func `a payment while access lasts extends it from its old end`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let buyer = try await shop.buyer()
      _ = try buyer.pay(2500, username: "johndoe")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      // The article's form in a BCS string, by another wallet.
      let second = try await shop.buyer().pay(2000, username: "johndoe", form: .string)
      try shop.ledger.settled(second)
      let grants = try shop.ledger.grants()
      try #require(grants.count == 2)
      #expect(grants[0].ends_at - grants[0].starts_at == 2500)
      #expect(grants[1].starts_at == grants[0].ends_at)
      #expect(grants[1].ends_at - grants[1].starts_at == 2000)
      try sensor.publish(untilMs: grants[1].ends_at + 1500)
      sensor.stop()
      let live = reader.arrivals(of: "sensor/live")
      #expect(
        (grants[1].ends_at - 500...grants[1].ends_at + 1000).contains(live.last?.atMs ?? 0))
      let numbers = live.compactMap { Int($0.text) }
      #expect(numbers == Array((Int(first.text) ?? 0)...(numbers.last ?? 0)))
    }
  }

  @Test func `access that has ended can be bought again`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let buyer = try await shop.buyer()
      _ = try buyer.pay(500, username: "johndoe")
      _ = try #require(reader.awaitArrival(of: "sensor/live"))
      let end = try #require(try shop.ledger.grants().only).ends_at
      try sensor.publish(untilMs: end + 1000)
      let before = reader.arrivals.count
      let paid = try buyer.pay(1000, username: "johndoe")
      #expect(eventually { reader.arrivals.count > before })
      #expect(reader.arrivals[before].atMs - paid.executedAtMs < 2000)
      let again = try #require(try shop.ledger.grants().last)
      #expect(again.starts_at > end && again.ends_at - again.starts_at == 1000)
      sensor.stop()
    }
  }

  @Test func `too little is kept as credit, and counts with the next payment`() async throws {
    try await Shop.open(change: { $0.minimum = "3s" }) { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let buyer = try await shop.buyer()
      let first = try buyer.pay(2000, username: "johndoe")
      #expect(try shop.ledger.settled(first).state == "confirmed")
      #expect(try shop.ledger.grants().isEmpty)
      let count = sensor.count
      #expect(eventually { sensor.count > count + 10 })
      #expect(reader.arrivals.isEmpty)

      _ = try buyer.pay(1500, username: "johndoe")
      _ = try #require(reader.awaitArrival(of: "sensor/live"))
      let grant = try #require(try shop.ledger.grants().only)
      #expect(grant.ends_at - grant.starts_at == 3500)
      sensor.stop()
    }
  }
}

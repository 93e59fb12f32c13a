import DevTangle
import Foundation
import Testing
import TestSupport

/// What ends, hangs, or is down.
@Suite(.onOwnThread)
struct OutageTests {
  @Test func `SIGTERM ends the broker at once`() async throws {
    try await Shop.open { shop in
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let end = try shop.broker.stop()
      #expect(end.status == 0 && end.tookS < 4)
    }
  }

  @Test func `SIGTERM ends the broker at once while the node hangs`() async throws {
    try await Shop.open { shop in
      try await shop.tangle.setFaults([Fault(.slow, count: 1000, value: 120_000)])
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      // The request that hangs has been counted.
      let deadlineMs = nowMs() + 10_000
      while await shop.tangle.faults.first?.count == 1000, nowMs() < deadlineMs {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(await shop.tangle.faults.first?.count ?? 1000 < 1000)
      let end = try shop.broker.stop()
      #expect(end.status == 0 && end.tookS < 4, "\(end)")
      try await shop.tangle.setFaults([])
    }
  }

  @Test func `a broker that starts while the node hangs ends when it is told to`() async throws {
    try await Shop.prepare { shop in
      try await shop.tangle.setFaults([Fault(.slow, value: 120_000)])
      try shop.broker.start()
      #expect(shop.broker.logs("payments cannot be read yet"))
      let end = try shop.broker.stop()
      #expect(end.status == 0 && end.tookS < 4, "\(end)")
      try await shop.tangle.setFaults([])
    }
  }

  @Test func `access outlives a restart, and no payment counts twice`() async throws {
    try await Shop.open { shop in
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(30_000, username: "johndoe"))
      try shop.ledger.settled(try buyer.pay(30_000, username: "johndoe"))
      let before = try (shop.ledger.grants(), shop.ledger.payments())
      #expect(before.0.count == 2)
      for _ in 1...2 {
        #expect(try shop.broker.stop().status == 0)
        try shop.broker.start()
        let sensor = try shop.sensor("sensor/live")
        let reader = try shop.client("johndoe")
        try reader.subscribe(to: "sensor/live")
        #expect(reader.awaitArrival(of: "sensor/live") != nil)
        sensor.stop()
      }
      // A payment of now shows that reading has gone past the old ones.
      let newest = try buyer.pay(1000, username: "janedoe")
      try shop.ledger.settled(newest)
      #expect(try shop.ledger.grants(of: "johndoe") == before.0)
      #expect(try shop.ledger.payments().filter { $0.digest != newest.digest } == before.1)
    }
  }

  @Test func `a payment made while the broker is down counts when it is back`() async throws {
    try await Shop.open { shop in
      try shop.broker.stop()
      let paid = try await shop.buyer().pay(60_000, username: "johndoe")
      try shop.broker.start()
      #expect(try shop.ledger.settled(paid).account == "johndoe")
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      sensor.stop()
    }
  }

  @Test func `a broker killed with SIGKILL finds its ledger whole`() async throws {
    try await Shop.open { shop in
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(60_000, username: "johndoe"))
      let grants = try shop.ledger.grants()
      shop.broker.kill()
      try shop.broker.start()
      try shop.ledger.settled(try buyer.pay(1000, username: "janedoe"))
      #expect(try shop.ledger.grants(of: "johndoe") == grants)
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      sensor.stop()
    }
  }

  @Test func `a node that is down at start is worth a warning, and payments count once it is up`()
    async throws
  {
    try await Shop.prepare { shop in
      let buyer = try await shop.buyer()
      await shop.tangle.goDown()
      try shop.broker.start()
      #expect(shop.broker.logs("payments cannot be read yet"))
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/+")
      #expect(reader.awaitArrival(of: "sensor/1m") != nil)
      await shop.tangle.comeUp()
      _ = try buyer.pay(60_000, username: "johndoe")
      #expect(reader.awaitArrival(of: "sensor/live", withinS: 20) != nil)
      sensor.stop()
    }
  }

  @Test func `while the node is down, bought access goes on, and ends on time`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let buyer = try await shop.buyer()
      _ = try buyer.pay(3000, username: "johndoe")
      _ = try #require(reader.awaitArrival(of: "sensor/live"))
      await shop.tangle.goDown()
      let grant = try #require(try shop.ledger.grants().only)
      try sensor.publish(untilMs: grant.ends_at + 1500)
      let last = try #require(reader.arrivals.last)
      #expect((grant.ends_at - 500...grant.ends_at + 1000).contains(last.atMs))
      await shop.tangle.comeUp()
      let before = reader.arrivals.count
      _ = try buyer.pay(60_000, username: "johndoe")
      #expect(eventually(within: 20) { reader.arrivals.count > before })
      sensor.stop()
    }
  }

  @Test(arguments: [
    Fault(.duplicate), Fault(.reorder), Fault(.missingBalanceChanges, count: 2),
    Fault(.serverError, count: 2), Fault(.malformed, count: 2), Fault(.truncated, count: 2),
    Fault(.tooManyRequests, count: 2), Fault(.slow, value: 200),
  ])
  func `a node that misbehaves costs no payment and counts none twice`(fault: Fault) async throws {
    try await Shop.open { shop in
      let buyer = try await shop.buyer()
      var paid: [Buyer.Paid] = []
      for number in 1...6 {
        try await shop.tangle.setFaults([])
        paid.append(try buyer.pay(Int64(number) * 1000, username: "johndoe"))
        try await shop.tangle.setFaults([fault], seed: UInt64(number))
      }
      for payment in paid { try shop.ledger.settled(payment, withinS: 30) }
      try await shop.tangle.setFaults([])
      let grants = try shop.ledger.grants()
      // Those of one checkpoint stand in the order of their digests.
      let lengths = grants.map { $0.ends_at - $0.starts_at }
      #expect(lengths.sorted() == (1...6).map { $0 * 1000 })
      #expect(zip(grants, grants.dropFirst()).allSatisfy { $0.ends_at == $1.starts_at })
      #expect(try shop.ledger.payments().count == 6)
    }
  }

  @Test func `started by root it runs as mosquitto, and the ledger is mosquitto's`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.user = "mosquitto"
    try await Shop.open(mosquitto) { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      _ = try await shop.buyer().pay(60_000, username: "johndoe")
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      let owner = try #require(shop.broker.owner)
      #expect(getuid() != 0 || owner != 0)
      for path in [shop.broker.ledgerPath, shop.broker.secretPath] {
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_uid == owner)
      }
      var status = stat()
      #expect(stat(shop.broker.secretPath, &status) == 0 && status.st_mode & 0o777 == 0o600)
      sensor.stop()
      #expect(try shop.broker.stop().status == 0)
    }
  }
}

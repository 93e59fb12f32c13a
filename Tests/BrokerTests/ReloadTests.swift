import Foundation
import Testing
import TestSupport

/// SIGHUP.
@Suite(.onOwnThread)
struct ReloadTests {
  @Test func `a changed price and changed free topics take effect, and what was sold stays sold`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      let anonymous = try shop.client()
      for client in [reader, anonymous] { try client.subscribe(to: "sensor/+") }
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(60_000, username: "johndoe"))
      #expect(anonymous.awaitArrival(of: "sensor/1m") != nil)

      shop.settings.price = "5000 nanos"
      shop.settings.free = ["sensor/status"]
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      // The next turn of the broker's loop takes it over.
      let count = sensor.count
      #expect(reader.awaitArrival(of: "sensor/live") { Int($0.text) ?? 0 > count + 10 } != nil)
      let before = anonymous.arrivals.count
      #expect(eventually { sensor.count > count + 40 })
      #expect(anonymous.arrivals.count == before)

      try shop.ledger.settled(try buyer.pay(60_000, username: "janedoe"))
      let grants = try shop.ledger.grants()
      #expect(grants.map { $0.ends_at - $0.starts_at } == [60_000, 12_000])
      #expect([reader, anonymous].allSatisfy { $0.disconnections == 0 })
      sensor.stop()
    }
  }

  @Test func `an offer that is gone sells nothing more, but what it sold is honoured`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("other/a")
      let reader = try shop.client("johndoe")
      let anonymous = try shop.client()
      for client in [reader, anonymous] { try client.subscribe(to: "other/a") }
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(60_000, username: "johndoe", offer: "other"))
      shop.settings.more = ""
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      let count = sensor.count
      #expect(reader.awaitArrival(of: "other/a") { Int($0.text) ?? 0 > count + 20 } != nil)
      #expect(anonymous.arrivals.isEmpty)
      let late = try shop.ledger.settled(
        try buyer.pay(60_000, username: "janedoe", offer: "other"))
      #expect(late.state == "unclaimed")
      sensor.stop()
    }
  }

  @Test func `a broken file keeps the old configuration, and the broker lives`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      let anonymous = try shop.client()
      for client in [reader, anonymous] { try client.subscribe(to: "sensor/+") }
      let path = shop.broker.configurationPath
      let good = try String(contentsOfFile: path, encoding: .utf8)
      let broken = [
        ("[tangle\n", "\(path):1"), ("typo = 1\n" + good, "\(path):1: typo"), ("", "ledger"),
        ("ledger = 7\n", "ledger"),
      ]
      for (text, expected) in broken {
        try shop.broker.scratch.write(text, to: "paywall.toml")
        let count = shop.broker.pluginLines.count
        shop.broker.reload()
        #expect(eventually { shop.broker.pluginLines.count > count })
        let line = shop.broker.pluginLines[count...].joined()
        #expect(line.contains(path) && line.contains(expected), "\(line)")
      }
      _ = try await shop.buyer().pay(60_000, username: "johndoe")
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      #expect(anonymous.awaitArrival(of: "sensor/1m") != nil)
      #expect(anonymous.arrivals(of: "sensor/live").isEmpty)

      // A mended file works again.
      shop.settings.price = "2000 nanos"
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      try shop.ledger.settled(try await shop.buyer().pay(2000, username: "janedoe"))
      #expect(
        try shop.ledger.grants(of: "janedoe").map { $0.ends_at - $0.starts_at } == [1000])
      sensor.stop()
    }
  }

  @Test func `the ledger, the secret and the realm do not change under a running broker`()
    async throws
  {
    try await Shop.open { shop in
      shop.settings.realm = "elsewhere.test"
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("change only when the broker is restarted"))
      #expect(shop.broker.isRunning)
    }
  }

  @Test func `two reloads in a row, and twenty in a burst, harm nobody`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      let anonymous = try shop.client()
      for client in [reader, anonymous] { try client.subscribe(to: "sensor/+") }
      for times in 1...2 {
        shop.broker.reload()
        #expect(shop.broker.logs("was read again", times: times))
      }
      for _ in 1...20 { shop.broker.reload() }
      #expect(shop.broker.logs("was read again", times: 3))
      _ = try await shop.buyer().pay(60_000, username: "johndoe")
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      sensor.stop()
      #expect(sensor.reaches(anonymous, "sensor/1m"))
      #expect([reader, anonymous].allSatisfy { $0.disconnections == 0 })
      #expect(try shop.broker.stop().status == 0)
    }
  }
}

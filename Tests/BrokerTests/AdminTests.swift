import Foundation
import Testing
import TestSupport

/// What an admin does to the ledger with the `sqlite3` command while the broker runs.
@Suite(.onOwnThread)
struct AdminTests {
  @Test func `a granted row and a revoked row take effect within a second`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/+")
      #expect(reader.awaitArrival(of: "sensor/1m") != nil)

      let start = nowMs()
      try shop.ledger.execute(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at, note)
        VALUES ('johndoe', 'live', 'granted', \(start - 1000), \(start + 600000), 'a friend')
        """)
      let grantedAtMs = nowMs()
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - grantedAtMs < 1000)

      try shop.ledger.execute(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at, note)
        VALUES ('johndoe', 'live', 'revoked', \(nowMs()), \(start + 600000), 'no friend')
        """)
      let revokedAtMs = nowMs()
      try sensor.publish(untilMs: revokedAtMs + 1500)
      sensor.stop()
      let last = try #require(reader.arrivals(of: "sensor/live").last)
      #expect(last.atMs - revokedAtMs < 1000)
      #expect(sensor.reaches(reader, "sensor/1m"))
    }
  }

  @Test func `bought time can be revoked, and given back`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      _ = try await shop.buyer().pay(120_000, username: "johndoe")
      _ = try #require(reader.awaitArrival(of: "sensor/live"))
      try shop.ledger.execute(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at)
        SELECT account, offer, 'revoked', starts_at, ends_at FROM grants
        """)
      try sensor.publish(untilMs: nowMs() + 1000)
      let before = reader.arrivals.count
      try sensor.publish(untilMs: nowMs() + 500)
      #expect(reader.arrivals.count == before)
      try shop.ledger.execute("DELETE FROM grants WHERE kind = 'revoked'")
      #expect(eventually(within: 2) { reader.arrivals.count > before })
      sensor.stop()
    }
  }

  @Test func `a shell that holds a write lock disturbs no delivery, and payments wait for it`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      let other = try shop.client("janedoe")
      for client in [reader, other] { try client.subscribe(to: "sensor/live") }
      let buyer = try await shop.buyer()
      _ = try buyer.pay(60_000, username: "johndoe")
      _ = try #require(reader.awaitArrival(of: "sensor/live"))

      let release = shop.broker.scratch.path("release")
      let shell = try ChildProcess(
        [
          "sh", "-c",
          """
          (echo 'BEGIN IMMEDIATE;'; echo '.print held'
           while [ ! -e '\(release)' ]; do sleep 0.02; done; echo 'COMMIT;') |
            sqlite3 -bail -cmd '.timeout 5000' "$0"
          """, shop.broker.ledgerPath,
        ], outputPath: shop.broker.scratch.path("shell"))
      #expect(eventually { shell.output.contains("held") })
      let from = sensor.count
      let paid = try buyer.pay(60_000, username: "janedoe")
      try sensor.publish(untilMs: nowMs() + 3000)
      #expect(try shop.ledger.payment(paid.digest) == nil)
      #expect(other.arrivals.isEmpty)
      let until = sensor.count - 1
      try shop.broker.scratch.write("", to: "release")
      #expect(shell.exitStatus(withinS: 10) == 0)

      #expect(reader.awaitArrival(of: "sensor/live") { Int($0.text) ?? 0 >= until } != nil)
      let times = sensor.times
      let delays = reader.arrivals.compactMap { arrival -> Int64? in
        guard let number = Int(arrival.text), (from...until).contains(number) else { return nil }
        return arrival.atMs - times[number]
      }
      #expect(delays.count == until - from + 1)
      #expect(delays.max() ?? .max < 500)
      #expect(try shop.ledger.settled(paid).account == "janedoe")
      #expect(other.awaitArrival(of: "sensor/live") != nil)
      sensor.stop()
    }
  }

  @Test func `a shell that holds a write lock does not keep the broker from ending`()
    async throws
  {
    try await Shop.open { shop in
      let release = shop.broker.scratch.path("release")
      let shell = try ChildProcess(
        [
          "sh", "-c",
          """
          (echo 'BEGIN IMMEDIATE;'; echo '.print held'
           while [ ! -e '\(release)' ]; do sleep 0.02; done; echo 'COMMIT;') |
            sqlite3 -bail -cmd '.timeout 5000' "$0"
          """, shop.broker.ledgerPath,
        ], outputPath: shop.broker.scratch.path("shell"))
      #expect(eventually { shell.output.contains("held") })
      let end = try shop.broker.stop()
      #expect(end.status == 0 && end.tookS < 4, "\(end)")
      try shop.broker.scratch.write("", to: "release")
      #expect(shell.exitStatus(withinS: 10) == 0)
    }
  }

  @Test func `the views tell the story in words`() async throws {
    try await Shop.open { shop in
      try shop.ledger.settled(try await shop.buyer().pay(60_000, username: "johndoe"))
      let now: [AccessNow] = try shop.ledger.rows("SELECT * FROM access_now")
      #expect(now.map(\.account) == ["johndoe"] && now.map(\.offer) == ["live"])
      #expect((50...60).contains(now.first?.seconds_left ?? 0))
      let log: [AccessLog] = try shop.ledger.rows("SELECT * FROM access_log")
      #expect(log == [AccessLog(account: "johndoe", kind: "bought", seconds: 60, nanos: 60_000)])
      let revenue: [Revenue] = try shop.ledger.rows("SELECT * FROM revenue_by_day")
      #expect(revenue == [Revenue(payments: 1, nanos: 60_000, iota: "0.000060000")])
    }
  }

  private struct AccessNow: Decodable {
    var account: String
    var offer: String
    var seconds_left: Double
  }

  private struct AccessLog: Decodable, Equatable {
    var account: String
    var kind: String
    var seconds: Double
    var nanos: Int64
  }

  private struct Revenue: Decodable, Equatable {
    var payments: Int
    var nanos: Int64
    var iota: String
  }
}

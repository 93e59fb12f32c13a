import DevTangle
import Foundation
import TestSupport
import Testing

/// A broker whose own clock is wrong, or whose node's is: the tangle's time counts.
@Suite(.onOwnThread)
struct ClockTests {
  private static let hourS = 3600

  /// How far the last message may come from the end of what was bought, in milliseconds.
  private static let toleranceMs: Int64 = 1000

  /// Whether a client received everything from the start of what it bought to its end, by the times
  /// at which it was published.
  private func expectExact(
    _ reader: Client, _ sensor: Sensor, from startMs: Int64, _ grant: LedgerFile.Grant,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try sensor.publish(untilMs: grant.ends_at + Self.toleranceMs + 500)
    let arrivals = reader.arrivals(of: "sensor/live")
    let times = arrivals.map(\.atMs)
    let last = try #require(times.last, sourceLocation: sourceLocation)
    #expect(abs(last - grant.ends_at) <= Self.toleranceMs, sourceLocation: sourceLocation)
    // Nothing is missing in between; one message comes every 20 ms.
    let during = [startMs] + times.filter { $0 > startMs }
    let gap = zip(during, during.dropFirst()).map { $1 - $0 }.max() ?? .max
    #expect(gap <= Self.toleranceMs, sourceLocation: sourceLocation)
  }

  @Test(arguments: [-5 * hourS, 5 * hourS])
  func `a wall clock that is hours off neither lengthens nor cuts what is bought`(
    offS: Int
  ) async throws {
    var settings = Mosquitto.Settings()
    settings.clockOffS = offS
    try await Shop.open(settings) { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      _ = try await shop.buyer().pay(5000, username: "johndoe")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      let grant = try #require(try shop.ledger.grants().only)
      #expect((0...2000).contains(first.atMs - grant.starts_at))
      try expectExact(reader, sensor, from: first.atMs, grant)
      let side = offS > 0 ? "ahead of" : "behind"
      #expect(shop.broker.logs("clock is more than 5 minutes \(side) the tangle's"))
      sensor.stop()
    }
  }

  @Test(arguments: [-5 * hourS, 5 * hourS])
  func `a restart with a wrong clock in the middle of bought time changes nothing`(
    offS: Int
  ) async throws {
    try await Shop.open { shop in
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(1000, username: "janedoe"))
      try shop.ledger.settled(try buyer.pay(12_000, username: "johndoe"))
      let grant = try #require(try shop.ledger.grants(of: "johndoe").only)
      #expect(eventually { nowMs() > grant.starts_at + 1500 })
      try shop.broker.stop()
      shop.broker.settings.clockOffS = offS
      try shop.broker.start()
      let readers = try ["johndoe", "janedoe"].map { try shop.client($0) }
      for reader in readers { try reader.subscribe(to: "sensor/live") }
      let startedAtMs = nowMs()
      let sensor = try shop.sensor("sensor/live")
      try expectExact(readers[0], sensor, from: startedAtMs, grant)
      #expect(readers[1].arrivals.isEmpty)
      #expect(try shop.ledger.grants(of: "johndoe") == [grant])
      sensor.stop()
    }
  }

  @Test func `a wall clock that jumps while the broker runs neither gives nor takes time`()
    async throws
  {
    var settings = Mosquitto.Settings()
    settings.clockOffS = 0
    try await Shop.open(settings) { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      _ = try await shop.buyer().pay(8000, username: "johndoe")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      let grant = try #require(try shop.ledger.grants().only)
      for (offS, side) in [(5 * Self.hourS, "ahead of"), (-9 * Self.hourS, "behind")] {
        try shop.broker.setClock(offS: offS)
        // The nodes are asked again, and the broker sees how far it is off.
        shop.broker.reload()
        #expect(shop.broker.logs("clock is more than 5 minutes \(side) the tangle's"))
      }
      try shop.broker.setClock(offS: 0)
      shop.broker.reload()
      #expect(shop.broker.logs("clock: works again"), "\(shop.broker.pluginLines)")
      try expectExact(reader, sensor, from: first.atMs, grant)
      sensor.stop()
    }
  }

  @Test func `a node that stands still does not stop the clock`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let paid = try await shop.buyer().pay(5000, username: "johndoe")
      try shop.ledger.settled(paid)
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      try await shop.tangle.setFaults([Fault(.stuckCheckpoints)])
      let grant = try #require(try shop.ledger.grants().only)
      try expectExact(reader, sensor, from: first.atMs, grant)
      sensor.stop()
    }
  }

  @Test(arguments: [-5 * hourS, 5 * hourS], [0, 1])
  func `a node that lies beside an honest one neither gives nor takes time`(
    lieS: Int, place: Int
  ) async throws {
    try await Shop.prepare { shop in
      let liar = try RelayNode(to: shop.tangle.nodeURL)
      shop.settings.nodes.insert(liar.url, at: place)
      try shop.configure()
      try shop.broker.start()
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      _ = try await shop.buyer().pay(8000, username: "johndoe")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      let grant = try #require(try shop.ledger.grants().only)
      liar.lie(byMs: Int64(lieS) * 1000)
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      try expectExact(reader, sensor, from: first.atMs, grant)
      sensor.stop()
    }
  }

  @Test func `while the node hangs, an admin's grant and a SIGHUP take effect`() async throws {
    try await Shop.prepare { shop in
      let node = try RelayNode(to: shop.tangle.nodeURL)
      shop.settings.nodes = [node.url]
      try shop.configure()
      try shop.broker.start()
      let sensor = try shop.sensor("sensor/live", "sensor/2m")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/+")
      node.hang()
      #expect(eventually { node.heldCount > 0 })
      let grantedAtMs = nowMs()
      try shop.ledger.execute(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at)
        VALUES ('johndoe', 'live', 'granted', 0, 9000000000000000)
        """)
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - grantedAtMs < 4000)
      shop.settings.free.append("sensor/2m")
      try shop.configure()
      let reloadedAtMs = nowMs()
      shop.broker.reload()
      let free = try #require(reader.awaitArrival(of: "sensor/2m"))
      #expect(free.atMs - reloadedAtMs < 4000)
      sensor.stop()
    }
  }
}

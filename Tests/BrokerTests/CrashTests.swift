import Foundation
import TestSupport
import Testing

/// A broker that is killed again and again while people pay: no payment lost or doubled, no time
/// lost.
///
/// `PAYWALL_KILLS` says how often, and `PAYWALL_CHECKPOINT_KILLS` how often within a checkpoint of the
/// WAL, for which one has to wait a minute; `scripts/crash` does both a good deal more often.
@Suite(.onOwnThread)
struct CrashTests {
  private static let kills = count("PAYWALL_KILLS") ?? 20
  private static let checkpointKills = count("PAYWALL_CHECKPOINT_KILLS") ?? 0

  private static func count(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  @Test func `a broker killed at any moment loses no payment, doubles none, and keeps all time`()
    async throws
  {
    let seed = testSeed()
    print("SEED=\(seed) PAYWALL_KILLS=\(Self.kills)")
    var random = SplitMix64(seed: seed)
    try await Shop.open { shop in
      try makeLedgerAnew(&shop)
      var paying: [Paying] = []
      for _ in 1...3 {
        paying.append(Paying(try await shop.buyer(), seed: random.next()))
      }
      for _ in 1...Self.kills { try crash(shop, paying, using: &random) }
      for buyer in paying { try buyer.stop() }
      let made = paying.flatMap(\.made)
      print("SEED=\(seed): \(Self.kills) kills, \(made.count) payments")
      try demand(shop)
      try check(shop, made, "SEED=\(seed)")
      let together: [Together] = try shop.ledger.rows(
        "SELECT checkpoint FROM payments GROUP BY checkpoint HAVING count(*) > 1")
      #expect(!together.isEmpty, "no checkpoint holds two payments")
      try checkReading(shop, "SEED=\(seed)")
      try checkRebuilt(shop, made, "SEED=\(seed)")
    }
  }

  @Test(
    .enabled(if: checkpointKills > 0, "each waits for a minute; set PAYWALL_CHECKPOINT_KILLS"),
    arguments: 0..<checkpointKills)
  func `a broker killed while it moves its WAL into the ledger loses nothing`(number: Int)
    async throws
  {
    let seed = testSeed() &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    try await Shop.open { shop in
      try makeLedgerAnew(&shop)
      try demand(shop)
      let buyer = Paying(try await shop.buyer(), seed: random.next())
      // Nothing else writes to the file itself.
      let writes = try FileWrites(shop.broker.ledgerPath)
      #expect(writes.awaitWrite(withinS: 90), "no checkpoint within 90 s")
      let delayUs = UInt32.random(in: 0...4000, using: &random)
      usleep(delayUs)
      shop.broker.kill()
      let isWithin =
        try FileManager.default.attributesOfItem(
          atPath: shop.broker.ledgerPath + "-wal")[.size] as? Int != 0
      print(
        "SEED=\(seed): killed \(delayUs) µs after a checkpoint's first write, "
          + (isWithin ? "within it" : "after it"))
      try shop.broker.start()
      try demand(shop)
      let count = buyer.made.count
      #expect(eventually { buyer.made.count > count + 3 })
      try buyer.stop()
      try check(shop, buyer.made, "SEED=\(seed)")
      try checkRebuilt(shop, buyer.made, "SEED=\(seed)")
    }
  }

  private struct Together: Decodable { var checkpoint: Int64 }

  /// Has the ledger begin before the first payment, as the one does that is rebuilt at the end.
  private func makeLedgerAnew(_ shop: inout Shop) throws {
    shop.settings.sinceMs = nowMs() - 60_000
    try shop.configure()
    try shop.broker.stop()
    for suffix in ["", "-wal", "-shm"] { unlink(shop.broker.ledgerPath + suffix) }
    try shop.broker.start()
  }

  /// Kills the broker at some moment, and starts it.
  private func crash(
    _ shop: Shop, _ paying: [Paying], using random: inout SplitMix64
  ) throws {
    switch Int.random(in: 0..<5, using: &random) {
    case 0:
      shop.broker.kill()
      try shop.broker.startAndKill(afterMs: .random(in: 0...400, using: &random))
    case 1:
      // While it moves the WAL into the file.
      try demand(shop)
      usleep(.random(in: 0...400_000, using: &random))
      shop.broker.stopAndKill(afterMs: .random(in: 0...60, using: &random))
    case 2:
      // A purchase is under way.
      try demand(shop)
      let count = paying.reduce(0) { $0 + $1.made.count }
      _ = eventually(within: 5) { paying.reduce(0) { $0 + $1.made.count } > count }
      usleep(.random(in: 0...250_000, using: &random))
      shop.broker.kill()
    default:
      try demand(shop)
      usleep(.random(in: 0...1_000_000, using: &random))
      shop.broker.kill()
    }
    try shop.broker.start()
  }

  /// Somebody subscribes, so that payments are read often.
  private func demand(_ shop: Shop) throws {
    try shop.client().subscribe(to: "sensor/live")
  }

  private struct Bought: Decodable {
    var digest: String
    var account: String
    var offer: String
    var starts_at: Int64
    var ends_at: Int64
    var amount: Int64
    var paid_at: Int64
  }

  /// Every payment is there once, for whom it was made, and bought what it paid for.
  private func check(_ shop: Shop, _ made: [Paying.Made], _ hint: Comment) throws {
    _ = try eventually {
      try shop.ledger.payments().count { $0.state == "confirmed" } >= made.count
    }
    let payments = try shop.ledger.payments()
    let recorded = payments.map {
      Paying.Made(
        digest: $0.digest, amount: $0.amount, account: $0.account ?? "", offer: $0.offer ?? "")
    }
    #expect(recorded.count == made.count && Set(recorded) == Set(made), hint)
    let bought: [Bought] = try shop.ledger.rows(
      """
      SELECT digest, grants.account, grants.offer, starts_at, ends_at, amount, paid_at
        FROM grants JOIN payments ON digest = grants.payment WHERE kind = 'bought'
        ORDER BY starts_at
      """)
    #expect(bought.count == made.count, hint)
    #expect(Set(bought.map(\.digest)) == Set(made.map(\.digest)), hint)
    // Each starts when it was paid, or at the end of what was bought before; 1 NANO is 1 ms.
    var ends: [String: Int64] = [:]
    for row in bought {
      let claim = "\(row.account) \(row.offer)"
      #expect(row.starts_at == max(row.paid_at, ends[claim] ?? 0), hint)
      #expect(row.ends_at == row.starts_at + row.amount, hint)
      ends[claim] = row.ends_at
    }
  }

  /// Who holds time reads, and reads to its end.
  private func checkReading(_ shop: Shop, _ hint: Comment) throws {
    let sensor = try shop.sensor("sensor/live")
    let held = Set(
      try shop.ledger.grants().filter { $0.offer == "live" && $0.ends_at > nowMs() + 20_000 }
        .map(\.account))
    for name in ["johndoe", "janedoe"] where held.contains(name) {
      let reader = try shop.client(name)
      try reader.subscribe(to: "sensor/live")
      #expect(reader.awaitArrival(of: "sensor/live") != nil, hint)
    }
    let reader = try shop.client("friend")
    try reader.subscribe(to: "sensor/live")
    try shop.ledger.execute(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
        ('friend', 'live', 'granted', 0, \(nowMs() + 3000))
      """)
    let endMs = try #require(try shop.ledger.grants(of: "friend").only).ends_at
    #expect(reader.awaitArrival(of: "sensor/live") != nil, hint)
    // While it runs it is killed once more: the end stays.
    shop.broker.kill()
    sensor.stop()
    try shop.broker.start()
    let again = try shop.client("friend")
    try again.subscribe(to: "sensor/live")
    let next = try shop.sensor("sensor/live")
    try next.publish(untilMs: endMs + 1500)
    next.stop()
    #expect(again.arrivals.allSatisfy { $0.atMs <= endMs + 1000 }, hint)
  }

  /// What a ledger made anew from the tangle's history says that was bought.
  private func checkRebuilt(_ shop: Shop, _ made: [Paying.Made], _ hint: Comment) throws {
    let bought = try shop.ledger.grants().filter { $0.kind == "bought" }
    #expect(try shop.broker.stop().status == 0, hint)
    rename(shop.broker.ledgerPath, shop.broker.scratch.path("ledger/before.db"))
    try shop.broker.start()
    try demand(shop)
    #expect(
      try eventually { try shop.ledger.payments().count { $0.state == "confirmed" } == made.count },
      hint)
    let rebuilt = try shop.ledger.grants().filter { $0.kind == "bought" }
    #expect(rebuilt.count == bought.count && Set(rebuilt) == Set(bought), hint)
  }
}

import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Runs in which no node told the broker the tangle's time, which shows at a later start only.
struct UntoldRunTests {
  private let terms = Ledger.Terms(makesGood: true)
  private let scratch: Scratch
  /// The tangle's time less the monotonic clock.
  private let offsetMs: Int64 = -7000

  /// Somebody has paid for 100 s from the fifth second on; the broker is last known to run in the
  /// sixth.
  init() throws {
    scratch = try Scratch()
    let world = try World(in: scratch)
    _ = try world.ledger.endOutage(atMs: 1000, terms: terms)
    try world.record([World.payment(5, 100_000)], nowMs: 6000, terms)
    world.ledger.close()
  }

  /// A run by the tangle's time, and by a clock that is off.
  private func run(_ fromMs: Int64, _ untilMs: Int64, offByMs: Int64 = 0) throws {
    let world = try World(in: scratch)
    defer { world.ledger.close() }
    for aliveMs in [untilMs - 1000, untilMs] {
      try world.ledger.noteAlive(
        Ledger.UntoldRun(
          startedAtMs: fromMs - offsetMs, aliveAtMs: aliveMs - offsetMs,
          offsetMs: offsetMs + offByMs))
    }
  }

  /// What is made good at a start that knows the time.
  private func start(atMs startMs: Int64, offsetMs: Int64? = -7000) throws -> [String] {
    let world = try World(in: scratch)
    defer { world.ledger.close() }
    let given = try given(world)
    let outages = try world.ledger.endOutage(atMs: startMs, offsetMs: offsetMs, terms: terms)
    #expect(try world.rows("SELECT key FROM meta WHERE key GLOB 'untold*'").isEmpty)
    #expect(try self.given(world) == given + outages.reduce(0) { $0 + $1.madeGoodMs })
    return outages.map { "\($0.span.startsAtMs)-\($0.span.endsAtMs): \($0.madeGoodMs)" }
  }

  private func given(_ world: World) throws -> Int64 {
    try world.ledger.read {
      try Int64.fetchOne(
        $0, sql: "SELECT sum(ends_at - starts_at) FROM grants WHERE kind = 'made_good'") ?? 0
    }
  }

  @Test func `what ran while the broker served by the wall clock is not made good`() throws {
    try run(26_000, 56_000)
    #expect(try start(atMs: 66_000) == ["6000-26000: 20000", "56000-66000: 10000"])
  }

  @Test func `several such runs count, and a clock that is off by no more than a restart takes`()
    throws
  {
    try run(26_000, 56_000, offByMs: 10_000)
    try run(60_000, 70_000, offByMs: -10_000)
    #expect(
      try start(atMs: 70_000) == ["6000-26000: 20000", "56000-60000: 4000"])
  }

  @Test func `so little as a restart takes is no outage`() throws {
    try run(10_000, 56_000)
    #expect(try start(atMs: 62_000).isEmpty)
  }

  @Test func `a run by a wall clock that was wrong counts as an outage`() throws {
    try run(26_000, 56_000, offByMs: 10_001)
    try run(57_000, 58_000, offByMs: .max)
    #expect(try start(atMs: 66_000) == ["6000-66000: 60000"])
  }

  @Test func `so does one whose time is not known, for the machine was started anew`() throws {
    try run(26_000, 56_000)
    #expect(try start(atMs: 66_000, offsetMs: 1_000_000) == ["6000-66000: 60000"])
  }

  @Test func `and one beside a start that cannot tell`() throws {
    try run(26_000, 56_000)
    #expect(try start(atMs: 66_000, offsetMs: nil) == ["6000-66000: 60000"])
  }

  @Test func `it is not counted again later`() throws {
    try run(26_000, 56_000)
    #expect(try start(atMs: 66_000).count == 2)
    #expect(try start(atMs: 96_000) == ["66000-96000: 30000"])
  }

  @Test func `once the time is known no such run is noted`() throws {
    let world = try World(in: scratch)
    _ = try world.ledger.endOutage(atMs: 16_000, terms: terms)
    try world.ledger.noteAlive(
      Ledger.UntoldRun(startedAtMs: 16_000, aliveAtMs: 26_000, offsetMs: 0))
    #expect(try world.rows("SELECT key FROM meta WHERE key GLOB 'untold*'").isEmpty)
  }

  @Test func `what an admin wrote there makes no run`() throws {
    try run(26_000, 56_000)
    let admin = try DatabaseQueue(path: scratch.path("ledger.db"))
    try admin.write {
      try $0.execute(
        sql: """
          UPDATE meta SET value = 'long ago' WHERE key GLOB 'untold*';
          INSERT INTO meta VALUES ('untold_run_', '1 2'),
            ('untold_run_9223372036854775807', '9223372036854775807 -7000');
          """)
    }
    try admin.close()
    #expect(try start(atMs: 66_000) == ["6000-66000: 60000"])
  }
}

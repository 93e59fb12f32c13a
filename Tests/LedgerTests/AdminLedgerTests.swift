import Foundation
import GRDB
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// What `paywall grant` and `paywall revoke` do to a ledger that a broker has open.
struct AdminLedgerTests {
  private let world: World
  private let admin: AdminLedger
  private let live: Name
  private let friend: Account

  init() throws {
    world = try World()
    admin = try AdminLedger(path: world.ledger.path)
    live = try #require(Name("live"))
    friend = try #require(Account(username: "friend"))
  }

  private func grant(_ start: Int64, _ end: Int64) throws -> AdminLedger.Written {
    try admin.grant(
      to: friend, offer: live, span: Span(startsAtMs: start, endsAtMs: end), note: "a gift",
      nowMs: start)
  }

  private func revoke(from start: Int64, lengthMs: Int64?) throws -> AdminLedger.Written {
    try admin.revoke(
      from: friend, offer: live, fromMs: start, lengthMs: lengthMs, note: nil, nowMs: start)
  }

  @Test func `a grant is a row, is noted as a change, and gives access`() throws {
    let written = try grant(100, 500)
    #expect(written.access == [Span(startsAtMs: 100, endsAtMs: 500)])
    #expect(
      try world.rows("SELECT account, offer, kind, starts_at, ends_at, version, note FROM grants")
        == ["friend|live|granted|100|500||a gift"])
    #expect(try world.ledger.takeChanges().accounts == [friend.username])
    #expect(try world.ledger.access(of: friend.username, nowMs: 100).map(\.version) == [1])
  }

  @Test func `all that is left is revoked, or a part of it`() throws {
    #expect(throws: LedgerError.self) { try revoke(from: 0, lengthMs: nil) }
    _ = try grant(100, 500)
    let part = try revoke(from: 200, lengthMs: 100)
    #expect(part.access == [Span(startsAtMs: 300, endsAtMs: 500)])
    let rest = try revoke(from: 250, lengthMs: nil)
    #expect(rest.span == Span(startsAtMs: 250, endsAtMs: 500))
    #expect(rest.access.isEmpty)
    #expect(
      try world.ledger.access(of: friend.username, nowMs: 250).map(\.span)
        == [Span(startsAtMs: 100, endsAtMs: 200)])
    #expect(throws: LedgerError.self) { try revoke(from: 250, lengthMs: nil) }
  }

  @Test func `what is granted and revoked is told, with the rows that revoke it`() throws {
    let revoked = try revoke(from: 0, lengthMs: 300)
    let granted = try grant(100, 500)
    #expect(granted.access == [Span(startsAtMs: 300, endsAtMs: 500)])
    #expect(granted.revocations == [revoked.row])
    #expect(try grant(400, 500).revocations.isEmpty)
  }

  @Test func `lengths that overflow last for ever`() throws {
    #expect(try revoke(from: 100, lengthMs: .max).span.endsAtMs == .max)
    #expect(try grant(0, .max).access == [Span(startsAtMs: 0, endsAtMs: 100)])
  }

  @Test func `an offer that there is not is refused, with those that there are`() throws {
    let none = try #require(Name("none"))
    do {
      _ = try admin.grant(
        to: friend, offer: none, span: Span(startsAtMs: 0, endsAtMs: 1), note: nil, nowMs: 0)
      Issue.record("granted")
    } catch {
      #expect(error.description.contains("there is no offer 'none'; there are: live, other"))
    }
    #expect(try world.rows("SELECT count(*) FROM grants") == ["0"])
  }

  @Test func `a ledger that is not there is not made`() throws {
    let path = world.scratch.path("none.db")
    do {
      _ = try AdminLedger(path: path)
      Issue.record("opened")
    } catch {
      #expect(error.description.contains("\(path): it cannot be found (No such file"))
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    let text = try world.scratch.write(String(repeating: "no database ", count: 99), to: "text")
    #expect(throws: LedgerError.self) { try AdminLedger(path: text) }
    let foreign = world.scratch.path("foreign.db")
    try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (x)") }
    #expect(throws: LedgerError.self) { try AdminLedger(path: foreign) }
  }

  @Test func `the WAL is left to the broker, even by the last to close`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    do {
      let ledger = try Ledger(path: path, nowMs: 0)
      _ = try ledger.apply(offers: [World.entry("live")], nowMs: 0, firstFromMs: 0)
      try ledger.checkpoint()
      ledger.close()
    }
    func size(_ name: String) -> Int {
      (try? FileManager.default.attributesOfItem(atPath: scratch.path(name))[.size] as? Int) ?? 0
    }
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    do {
      let admin = try AdminLedger(path: path)
      for number in 0..<500 {
        _ = try admin.grant(
          to: friend, offer: live, span: Span(startsAtMs: 0, endsAtMs: Int64(number) + 9),
          note: String(repeating: "x", count: 4000), nowMs: 0)
      }
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(size("ledger.db-wal") > 1_000_000)
    let again = try Ledger(path: path, nowMs: 0)
    #expect(try again.access(of: friend.username, nowMs: 0).map(\.span.endsAtMs) == [508])
  }

  @Test func `it waits for a lock`() throws {
    let path = world.ledger.path
    let done = Done()
    try DatabaseQueue(path: path).inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      Thread.detachNewThread {
        guard let live = Name("live") else { return }
        _ = try? AdminLedger(path: path).grant(
          to: .broker(live), offer: live, span: Span(startsAtMs: 0, endsAtMs: 9), note: nil,
          nowMs: 0)
        done.value.store(true, ordering: .releasing)
      }
      // Longer than the broker itself would wait.
      #expect(!eventually(within: 0.5) { done.value.load(ordering: .acquiring) })
      try db.execute(sql: "COMMIT")
    }
    #expect(eventually { done.value.load(ordering: .acquiring) })
    #expect(try world.rows("SELECT account FROM grants") == ["live"])
  }

  private final class Done: Sendable {
    let value = Atomic(false)
  }
}

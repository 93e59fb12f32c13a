import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

struct LedgerFileTests {
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  @Test func `nothing is ever deleted from the payments`() throws {
    let world = try World()
    try world.record(World.payment(1, 500))
    let admin = try DatabaseQueue(path: world.ledger.path)
    #expect(throws: DatabaseError.self) {
      try admin.write { try $0.execute(sql: "DELETE FROM payments") }
    }
    #expect(try world.rows("SELECT count(*) FROM payments") == ["1"])
  }

  @Test func `a failure in the middle of a page changes nothing`() throws {
    let world = try World()
    #expect(throws: LedgerError.self) {
      try world.record(World.payment(1, 500), World.payment(2, -13))
    }
    #expect(try world.rows("SELECT * FROM payments").isEmpty)
    #expect(try world.rows("SELECT * FROM grants").isEmpty)
    #expect(try world.rows("SELECT * FROM sync").isEmpty)
  }

  @Test func `it is there again after it was closed`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    do {
      let ledger = try Ledger(path: path, nowMs: 1000)
      try ledger.bind(secretFingerprint: "a")
      ledger.close()
    }
    let ledger = try Ledger(path: path, nowMs: 2000)
    #expect(try ledger.bornAtMs() == 1000)
    #expect(try ledger.isBound())
    try ledger.bind(secretFingerprint: "a")
    #expect(message { try ledger.bind(secretFingerprint: "b") }.contains("another secret_file"))
  }

  @Test func `only one may have it open`() throws {
    let world = try World()
    let path = world.ledger.path
    #expect(
      message { _ = try Ledger(path: path, nowMs: 0) }.contains("give each a ledger of its own"))
  }

  @Test func `others cannot read it`() throws {
    let world = try World()
    let attributes = try FileManager.default.attributesOfItem(atPath: world.ledger.path)
    let mode = try #require(attributes[.posixPermissions] as? Int)
    #expect(mode & 0o007 == 0)
  }

  @Test func `says what is wrong with a file that is no ledger`() throws {
    let scratch = try Scratch()
    let text = try scratch.write(String(repeating: "no database ", count: 100), to: "text")
    #expect(message { _ = try Ledger(path: text, nowMs: 0) }.contains("damaged or no ledger"))
    let missing = scratch.path("missing/ledger.db")
    #expect(message { _ = try Ledger(path: missing, nowMs: 0) }.contains("chown mosquitto:"))
    let folder = scratch.path("")
    #expect(message { _ = try Ledger(path: folder, nowMs: 0) }.contains("ledger \(folder)"))

    let foreign = scratch.path("foreign.db")
    try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (x)") }
    #expect(message { _ = try Ledger(path: foreign, nowMs: 0) }.contains("something else"))

    let newer = scratch.path("newer.db")
    try DatabaseQueue(path: newer).write { try $0.execute(sql: "PRAGMA user_version = 99") }
    #expect(message { _ = try Ledger(path: newer, nowMs: 0) }.contains("a newer version made it"))
  }

  @Test func `what another program writes is noticed`() throws {
    let world = try World()
    let before = try world.ledger.dataVersion()
    try world.record(World.payment(1, 500))
    #expect(try world.ledger.dataVersion() == before)
    let admin = try DatabaseQueue(path: world.ledger.path)
    try admin.write {
      try $0.execute(
        sql: """
          INSERT INTO grants (account, offer, kind, starts_at, ends_at)
          VALUES ('friend', 'live', 'granted', 0, 9)
          """)
    }
    #expect(try world.ledger.dataVersion() != before)
  }

  @Test func `a lock of another program does not keep a ledger from being opened`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    let entries = [try World.entry("live")]
    do {
      let ledger = try Ledger(path: path, nowMs: 1000)
      try ledger.bind(secretFingerprint: "a")
      _ = try ledger.apply(offers: entries, nowMs: 1000, firstFromMs: 0)
      ledger.close()
    }
    let admin = try DatabaseQueue(path: path)
    try admin.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(throws: Never.self) {
        let ledger = try Ledger(path: path, nowMs: 2000)
        try ledger.bind(secretFingerprint: "a")
        let history = try ledger.apply(offers: entries, nowMs: 2000, firstFromMs: 2000)
        #expect(history.versions.map(\.validFromMs) == [0])
      }
      try db.execute(sql: "ROLLBACK")
    }
  }

  @Test func `a lock of another program is told, and costs at most a fraction of a second`() throws
  {
    let world = try World()
    let admin = try DatabaseQueue(path: world.ledger.path)
    try admin.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      do {
        try world.record(World.payment(1, 500))
        Issue.record("recorded")
      } catch let error as LedgerError {
        #expect(error.code == .busy)
      }
      #expect(try world.ledger.access(nowMs: 0).isEmpty)
      try db.execute(sql: "ROLLBACK")
    }
    try world.record(World.payment(1, 500))
    #expect(try world.bought().count == 1)
  }
}

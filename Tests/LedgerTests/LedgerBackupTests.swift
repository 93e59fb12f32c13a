import Foundation
import GRDB
import Glibc
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Copies of a ledger that is in use.
struct LedgerBackupTests {
  private let world: World
  private let copy: String

  init() throws {
    world = try World()
    try world.record(World.payment(1, 700), World.payment(2, 700, for: "tim"))
    copy = world.scratch.path("copy.db")
  }

  private func back(up to: String? = nil, isReplacing: Bool = false) throws -> LedgerBackup.Report {
    try LedgerBackup(path: to ?? copy).write(
      LedgerReader(path: world.ledger.path), isReplacing: isReplacing)
  }

  private func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: world.scratch.url.path).sorted()
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test func `a copy holds what is committed, while the broker and a shell write`() throws {
    let shell = try DatabaseQueue(path: world.ledger.path)
    try shell.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE")
      try db.execute(sql: "UPDATE payments SET amount = 1")
      let before = try files()
      let report = try back()
      #expect(report.paymentCount == 2 && report.newestMs == 2000)
      #expect(try files() == (before + ["copy.db"]).sorted())
      #expect(mode(copy) == 0o600)
      try db.execute(sql: "ROLLBACK")
    }
    try world.record(World.payment(3, 700))
    let restored = try Ledger(path: copy, nowMs: 0)
    #expect(
      try restored.read { try String.fetchAll($0, sql: "SELECT amount FROM payments") }
        == ["700", "700"])
    #expect(try restored.access(nowMs: 1000).count == 2)
    #expect(try restored.bornAtMs() == 1000)
  }

  @Test func `a file that is there is kept, unless it is to be replaced`() throws {
    try world.scratch.write("mine", to: "copy.db")
    let error = #expect(throws: BackupError.self) { try back() }
    #expect(
      error?.description == "backup \(copy): it is there already; name another file, or use --force"
    )
    #expect(try String(contentsOfFile: copy, encoding: .utf8) == "mine")
    #expect(try back(isReplacing: true).paymentCount == 2)
    #expect(mode(copy) == 0o600)
    #expect(throws: BackupError.self) { try back() }
  }

  @Test func `the ledger's own files, folders and links are never replaced`() throws {
    let before = try files()
    for name in before {
      let error = #expect(throws: BackupError.self) {
        try back(up: world.scratch.path(name), isReplacing: true)
      }
      #expect(error?.reason.contains("it is the ledger itself") == true, "\(name)")
    }
    let link = world.scratch.path("link")
    #expect(symlink(world.ledger.path, link) == 0)
    #expect(throws: BackupError.self) { try back(up: link, isReplacing: true) }
    #expect(throws: BackupError.self) { try back(up: world.scratch.url.path, isReplacing: true) }
    let nowhere = #expect(throws: BackupError.self) {
      try back(up: world.scratch.path("none/copy.db"))
    }
    #expect(nowhere?.reason == "it cannot be made (No such file or directory)")
    #expect(try files() == (before + ["link"]).sorted())
    #expect(try world.rows("SELECT count(*) FROM payments") == ["2"])
  }

  @Test func `a damaged ledger makes no copy`() throws {
    let page = try world.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'credits'")
    try world.ledger.checkpoint()
    world.ledger.close()
    let file = try #require(FileHandle(forUpdatingAtPath: world.ledger.path))
    try file.seek(toOffset: (#require(UInt64(page[0])) - 1) * 4096)
    try file.write(contentsOf: Data(repeating: 0xA5, count: 200))
    try file.close()
    let before = try files()
    let error = #expect(throws: BackupError.self) { try back() }
    #expect(error?.reason.hasPrefix("the ledger is damaged, and so would be the copy") == true)
    #expect(try files() == before)
  }

  @Test func `one that is interrupted leaves nothing behind`() throws {
    let before = try files()
    for step in 1...2 {
      var count = 0
      let error = #expect(throws: BackupError.self) {
        try LedgerBackup(path: copy).write(
          LedgerReader(path: world.ledger.path), isReplacing: false,
          isOver: {
            count += 1
            return count == step
          })
      }
      #expect(error?.reason == "it was interrupted, and is not there")
      #expect(try files() == before)
    }
  }

  @Test func `a ledger of an older version is copied as it is`() throws {
    let old = world.scratch.path("old.db")
    try MigrationTests.make(old, version: 1)
    let report = try LedgerBackup(path: copy).write(
      LedgerReader(path: old, versions: .olderToo), isReplacing: false)
    #expect(report.paymentCount == 6)
    let version = try DatabaseQueue(path: copy).read {
      try Int.fetchOne($0, sql: "PRAGMA user_version")
    }
    #expect(version == 1)
  }
}

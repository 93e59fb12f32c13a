import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// Files that are taken away while a ledger is open, and what is left of them.
struct LostFilesTests {
  private func opened(_ scratch: Scratch) throws -> Ledger {
    let ledger = try Ledger(path: scratch.path("ledger.db"), nowMs: 0)
    _ = try ledger.apply(offers: [World.entry("live")], nowMs: 0, firstFromMs: 0)
    return ledger
  }

  /// Opens a ledger, does something with it, and closes it.
  private func withLedger(_ scratch: Scratch, _ body: (Ledger) throws -> Void = { _ in }) throws {
    let ledger = try opened(scratch)
    defer { ledger.close() }
    try body(ledger)
  }

  private func write(_ ledger: Ledger, _ row: String) throws {
    try ledger.write {
      try $0.execute(sql: "INSERT OR REPLACE INTO meta VALUES (?, '')", arguments: [row])
    }
  }

  private func rows(_ path: String) throws -> Set<String> {
    try DatabaseQueue(path: path).read {
      try Set(String.fetchAll($0, sql: "SELECT key FROM meta"))
    }
  }

  private func size(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
  }

  @Test func `a file that was renamed takes along what the WAL held, and works when it is back`()
    throws
  {
    let scratch = try Scratch()
    let ledger = try opened(scratch)
    try write(ledger, "before")
    rename(ledger.path, ledger.path + ".away")
    for _ in 1...2 {
      let error = try #require(throws: LedgerError.self) { try write(ledger, "while") }
      #expect(error.code == .lost && error.description.contains(ledger.path))
    }
    #expect(throws: LedgerError.self) { try ledger.requireFiles() }
    #expect(throws: LedgerError.self) { try ledger.checkpoint() }
    #expect(try size(ledger.path + "-wal") == 0)
    try FileManager.default.copyItem(atPath: ledger.path + ".away", toPath: scratch.path("copy"))
    #expect(try rows(scratch.path("copy")).isSuperset(of: ["before"]))
    rename(ledger.path + ".away", ledger.path)
    try write(ledger, "after")
    ledger.close()
    let found = try rows(ledger.path)
    #expect(found.isSuperset(of: ["before", "after"]) && !found.contains("while"))
  }

  @Test func `a file in its place is left as it is`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    let copy = scratch.path("copy")
    try withLedger(scratch)
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let backup = try Data(contentsOf: URL(filePath: copy))
    try withLedger(scratch) { ledger in
      try write(ledger, "before")
      rename(copy, path)
      #expect(throws: LedgerError.self) { try write(ledger, "while") }
    }
    #expect(try Data(contentsOf: URL(filePath: path)) == backup)
    try withLedger(scratch) { try write($0, "after") }
    let found = try rows(path)
    #expect(found.contains("after") && found.isDisjoint(with: ["before", "while"]))
    #expect(try LedgerCheck(path: path).run().isEmpty)
  }

  @Test(arguments: ["-wal", "-shm"])
  func `what is beside it was removed: nothing more is written, and nothing is lost`(
    suffix: String
  ) throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    try withLedger(scratch) { ledger in
      try write(ledger, "before")
      unlink(path + suffix)
      let error = try #require(throws: LedgerError.self) { try write(ledger, "while") }
      #expect(error.code == .lost && error.description.contains(suffix))
    }
    try withLedger(scratch)
    let found = try rows(path)
    #expect(found.contains("before") && !found.contains("while"))
  }

  @Test(arguments: [0, 16_384, 20_000])
  func `an index of the WAL that was cut off is built anew`(byteCount: Int) throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    try withLedger(scratch) { ledger in
      let totals = try TotalsReader(path: path, files: ledger.files)
      _ = try totals.totals(nowMs: 0) { false }
      try write(ledger, "before")
      for number in 1...3 {
        truncate(path + "-shm", byteCount)
        if number == 2 { _ = try totals.totals(nowMs: 0) { false } }
        try write(ledger, "after \(number)")
        truncate(path + "-shm", byteCount)
        let found = try ledger.read { try String.fetchAll($0, sql: "SELECT key FROM meta") }
        #expect(found.contains("before") && found.contains("after \(number)"))
      }
      truncate(path + "-shm", byteCount)
      try ledger.checkpoint()
      totals.close()
    }
    #expect(try rows(path).isSuperset(of: ["before", "after 1", "after 2", "after 3"]))
    #expect(try LedgerCheck(path: path).run().isEmpty)
  }

  @Test func `no further connection opens another file, nor makes one`() throws {
    let scratch = try Scratch()
    let ledger = try opened(scratch)
    for isReplaced in [true, false] {
      unlink(ledger.path)
      if isReplaced { try "".write(toFile: ledger.path, atomically: false, encoding: .utf8) }
      #expect(throws: LedgerError.self) { try TotalsReader(path: ledger.path, files: ledger.files) }
      #expect(throws: LedgerError.self) { try LedgerCheck(path: ledger.path, files: ledger.files) }
    }
    #expect(throws: LedgerError.self) { try LedgerCheck(path: ledger.path) }
    #expect(!FileManager.default.fileExists(atPath: ledger.path))
    ledger.close()
  }

  @Test func `an emptied ledger is not taken for a new one`() throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    try withLedger(scratch)
    truncate(path, 0)
    let error = try #require(throws: LedgerError.self) { _ = try Ledger(path: path, nowMs: 0) }
    #expect(error.code == .corrupt && error.description.contains("a ledger was in it"))
    #expect(try size(path) == 0)
    // As the reason says.
    unlink(path)
    try withLedger(scratch)
  }

  @Test func `a file that is empty because a new ledger was not finished becomes one`() throws {
    let scratch = try Scratch()
    try scratch.write("", to: "ledger.db")
    try withLedger(scratch)
  }

  @Test(arguments: [false, true])
  func `a WAL without its file is not thrown away`(isEmpty: Bool) throws {
    let scratch = try Scratch()
    let path = scratch.path("ledger.db")
    try scratch.write(String(repeating: "w", count: 5000), to: "ledger.db-wal")
    if isEmpty { try scratch.write("", to: "ledger.db") }
    let error = try #require(throws: LedgerError.self) { _ = try Ledger(path: path, nowMs: 0) }
    #expect(error.code == .corrupt && error.description.contains("its -wal is not"))
    #expect(try size(path + "-wal") == 5000)
  }
}

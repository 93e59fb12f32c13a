import Configuration
import Foundation
import Glibc
import TestSupport
import Testing

@testable import paywall

/// What `paywall check` says of the secret and the ledger.
@Suite(.timeLimit(.minutes(5))) struct CheckFilesTests {
  /// Runs the body with a ledger that is well.
  private func open(_ body: (Booth) async throws -> Void) async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try await booth.pay(20_000_000, #"{"username":"johndoe"}"#)
      try await booth.record()
      try await body(booth)
    }
  }

  // MARK: - The secret

  @Test func `a secret that others may read is told`() async throws {
    try await open { booth in
      chmod(booth.path("paywall.key"), 0o640)
      let checked = try await booth.check()
      #expect(checked.names == ["error secret-mode"] && checked.code == 1)
      #expect(try checked.line("secret-mode").mend?.contains("chmod 600") == true)
    }
  }

  @Test func `a secret that is missing is told, and not made`() async throws {
    try await open { booth in
      try FileManager.default.removeItem(atPath: booth.path("paywall.key"))
      #expect(try await booth.check().names == ["error secret"])
      #expect(!FileManager.default.fileExists(atPath: booth.path("paywall.key")))
    }
  }

  @Test func `another secret than the ledger's, or none, is told`() async throws {
    try await open { booth in
      try booth.write(String(repeating: "ab", count: 32) + "\n", to: "paywall.key")
      #expect(try await booth.check().names == ["error secret-fingerprint"])
      try booth.write("swordfish\n", to: "paywall.key")
      let checked = try await booth.check()
      #expect(checked.names == ["error secret"])
      #expect(!checked.lines.contains { $0.text.contains("swordfish") })
    }
  }

  @Test(.enabled(if: geteuid() == 0)) func `wrong owners are told`() async throws {
    try await open { booth in
      chown(booth.path("paywall.key"), 65534, 65534)
      #expect(try await booth.check().names == ["error secret-owner"])
      chown(booth.ledger, 65534, 65534)
      for name in ["paywall.db-wal", "paywall.db-shm", "paywall.db-lock"] {
        chown(booth.path(name), 65534, 65534)
      }
      // The folder is root's still.
      let checked = try await booth.check()
      #expect(checked.names == ["error ledger-folder-owner"])
      chown(booth.folder, 65534, 65534)
      #expect(try await booth.check().names == [])
      chown(booth.path("paywall.db-lock"), 0, 0)
      #expect(try await booth.check().names == ["error ledger-owner"])
    }
  }

  // MARK: - The ledger

  @Test func `a ledger that everybody may read or write is told`() async throws {
    try await open { booth in
      chmod(booth.ledger, 0o644)
      let readable = try await booth.check()
      #expect(readable.names == ["warning ledger-mode"] && readable.code == 0)
      // What was made beside it has its mode.
      for suffix in ["-wal", "-shm"] {
        try FileManager.default.removeItem(atPath: booth.ledger + suffix)
      }
      chmod(booth.ledger, 0o602)
      #expect(
        try await booth.check().names == ["error ledger-mode"])
      for suffix in ["-wal", "-shm"] {
        try FileManager.default.removeItem(atPath: booth.ledger + suffix)
      }
      chmod(booth.ledger, 0o640)
      chmod(booth.folder, 0o777)
      #expect(try await booth.check().names == ["error ledger-folder-mode"])
    }
  }

  @Test func `a folder that is not there is told`() async throws {
    try await open { booth in
      try booth.replace(#"ledger = "paywall.db""#, with: #"ledger = "nowhere/paywall.db""#)
      let checked = try await booth.check()
      #expect(checked.names.first == "error ledger-folder")
      #expect(!FileManager.default.fileExists(atPath: booth.path("nowhere")))
    }
  }

  @Test func `what is no ledger is told, and stays as it is`() async throws {
    try await open { booth in
      for suffix in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: booth.ledger + suffix)
      }
      try booth.write("", to: "paywall.db")
      chmod(booth.ledger, 0o640)
      #expect(try await booth.check().names == ["error ledger-schema"])
      #expect(try Data(contentsOf: URL(filePath: booth.ledger)).isEmpty)
      try booth.write(String(repeating: "no SQLite here. ", count: 100), to: "paywall.db")
      #expect(try await booth.check().names == ["error ledger"])
    }
  }

  @Test func `ledgers of other versions are told, and not migrated`() async throws {
    try await open { booth in
      try booth.sql("PRAGMA user_version = 1")
      let older = try await booth.check()
      #expect(older.names == ["warning ledger-schema"] && older.code == 0)
      #expect(try booth.sql("PRAGMA user_version") == ["1"])
      try booth.sql("PRAGMA user_version = 99")
      let newer = try await booth.check()
      #expect(newer.names == ["error ledger"] && newer.code == 1)
      #expect(try newer.line("ledger").text.contains("newer version"))
    }
  }

  @Test func `damage is told`() async throws {
    try await open { booth in
      try booth.sql("DROP INDEX payments_by_time")
      let missing = try await booth.check()
      #expect(missing.names.first == "error ledger")
      #expect(try missing.line("ledger").text.contains("payments_by_time is missing"))
    }
    try await open { booth in
      // A page of payments, overwritten; the WAL holds nothing of it.
      try booth.sql("PRAGMA wal_checkpoint(TRUNCATE)")
      let page = try #require(
        try booth.sql("SELECT rootpage FROM sqlite_schema WHERE name = 'payments'").first
          .flatMap { UInt64($0) })
      let file = try FileHandle(forUpdating: URL(filePath: booth.ledger))
      try file.seek(toOffset: (page - 1) * 4096 + 2)
      try file.write(contentsOf: Data(repeating: 0xEE, count: 64))
      try file.close()
      let checked = try await booth.check()
      #expect(checked.names.first?.hasPrefix("error ledger") == true, "\(checked.names)")
      #expect(checked.code == 1)
    }
  }

  @Test func `rows of offers that make no sense are told`() async throws {
    try await open { booth in
      try booth.sql("UPDATE offers SET topics = 'nonsense'")
      let checked = try await booth.check()
      #expect(checked.names == ["error offers"])
      #expect(try checked.line("offers").text.contains("offers row 1"))
    }
  }

  @Test(arguments: [(0, "error"), (49, "error"), (51, "warning"), (501, "ok")])
  func `a disk that is full, or soon may be, is told`(mebibytes: UInt64, level: String) throws {
    let scratch = try Scratch()
    var findings = Findings()
    let check = LedgerFileCheck(path: scratch.path("paywall.db")) { _ in mebibytes << 20 }
    #expect(check.run(&findings) == nil)
    let space = try #require(findings.all.first { $0.check == "ledger-space" })
    #expect(space.level.rawValue == level && space.text.contains("\(mebibytes) MiB"))
    #expect((space.mend != nil) == (level != "ok"))
  }

  @Test func `what others have written is shown in one line`() {
    var findings = Findings()
    findings.warn("a", nil, "b\n\u{1B}[2Jc", mend: "d")
    #expect(findings.all.first?.text == "b··[2Jc")
  }

  // MARK: - What waits

  @Test func `what waits for the seller is told`() async throws {
    try await open { booth in
      try await booth.pay(20_000_000, #"{"username":"johndoe","offer":"nothing"}"#)
      try await booth.record()
      let checked = try await booth.check()
      #expect(checked.names == ["warning unclaimed"] && checked.code == 0)
      try booth.sql(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment)
        SELECT 'johndoe', 'live', 'granted', 1, 2, digest FROM payments WHERE state = 'unclaimed'
        """)
      #expect(try await booth.check().names == [])
      try booth.sql(
        """
        INSERT INTO payments (digest, verified, amount, seen_at, state)
        VALUES ('11111111111111111111111111111111', 1, 5, 1000, 'pending')
        """)
      #expect(try await booth.check().names == ["warning pending"])
    }
  }

  @Test func `a broker that does not run, or has never, is told`() async throws {
    try await open { booth in
      try booth.sql("UPDATE meta SET value = value - 600000 WHERE key = 'alive_at'")
      #expect(try await booth.check().names == ["warning broker"])
      try booth.sql("DELETE FROM meta WHERE key = 'alive_at'")
      #expect(try await booth.check().names == ["warning broker"])
    }
  }
}

import CMosquittoPlugin
import Foundation
import IOTACrypto
import Ledger
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue
private let denied = MOSQ_ERR_ACL_DENIED.rawValue

/// What an admin writes to the ledger of a running broker, with `sqlite3` or `paywall grant`.
struct AdminTests {
  /// A node that is down: nobody listens on port 9.
  private static let down = PluginHost.Tangle(
    node: "http://127.0.0.1:9", network: "69a2bc64", seller: PrivateKey().publicKey.address)
  /// Room for a turn of the watcher on a busy machine, in seconds; a turn is half a second.
  private static let turnS = 20.0

  private func withPlugin(_ body: @escaping @Sendable (PluginHost, Shell) throws -> Void)
    async throws
  {
    try await onThread {
      let host = try PluginHost(tangle: Self.down)
      #expect(host.start() == success)
      try body(host, Shell(path: host.scratch.path("paywall.db")))
      host.stop()
    }
  }

  /// How often this thread has given up its core to wait for something.
  private func waitCount() -> Int {
    // RUSAGE_THREAD, which Glibc's module does not have: <bits/resource.h>.
    let thisThread: CInt = 1
    var usage = rusage()
    getrusage(thisThread, &usage)
    return usage.ru_nvcsw
  }

  private static func mayRead(_ host: PluginHost, _ name: String) -> Bool {
    host.read("sensor/live", username: name) == success
  }

  @Test func `rows that sqlite3 inserts, updates and deletes take effect`() async throws {
    try await withPlugin { host, shell in
      for name in ["friend", "caf\u{E9}"] {
        try shell.run("INSERT INTO grants VALUES (7, '\(name)', \(Shell.granted), NULL)")
        #expect(eventually(within: Self.turnS) { Self.mayRead(host, name) })
        try shell.run("UPDATE grants SET ends_at = 1 WHERE id = 7")
        #expect(eventually(within: Self.turnS) { !Self.mayRead(host, name) })
        try shell.run("UPDATE grants SET ends_at = 9e15, account = 'other' WHERE id = 7")
        #expect(eventually(within: Self.turnS) { Self.mayRead(host, "other") })
        try shell.run("DELETE FROM grants WHERE id = 7")
        #expect(eventually(within: Self.turnS) { !Self.mayRead(host, "other") })
      }
      #expect(!Self.mayRead(host, "cafe\u{301}"))
    }
  }

  @Test func `paywall grant and revoke take effect`() async throws {
    try await withPlugin { host, shell in
      let admin = try AdminLedger(path: shell.path)
      let friend = try #require(Account(username: "friend"))
      let live = try #require(Name("live"))
      let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
      let span = Span(startsAtMs: nowMs - 10_000, endsAtMs: nowMs + 60_000)
      _ = try admin.grant(to: friend, offer: live, span: span, note: nil, nowMs: nowMs)
      #expect(eventually(within: Self.turnS) { Self.mayRead(host, "friend") })
      _ = try admin.revoke(
        from: friend, offer: live, fromMs: nowMs - 10_000, lengthMs: nil, note: nil, nowMs: nowMs)
      #expect(eventually(within: Self.turnS) { !Self.mayRead(host, "friend") })
    }
  }

  @Test func `paywall assign takes effect, also of an offer that is not sold any more`()
    async throws
  {
    try await withPlugin { host, shell in
      let digests = [UInt8(1), 2].map { number in
        Digest(Bytes32(Array(repeating: number, count: 32)) ?? .zero)
      }
      // 'old' was sold once, for another topic, and all of it has ended.
      try shell.run(
        """
        INSERT INTO offers VALUES (99, 'old', 9, '["old/topic"]', 500, 1000, 1, 0, 1000, 3000);
        UPDATE offers SET valid_from_at = 0 WHERE name = 'live';
        INSERT INTO payments VALUES
          ('\(digests[0])', NULL, 1, 900000000, NULL, 1, 2000, 2000, 'unclaimed', 'x', NULL, NULL),
          ('\(digests[1])', NULL, 1, 900000000, NULL, 1, 2000, 2000, 'unclaimed', 'x', NULL, NULL)
        """)
      let admin = try AdminLedger(path: shell.path)
      let friend = try #require(Account(username: "friend"))
      let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
      _ = try admin.assign(
        digests[0].description, to: friend, offer: Name("live"), note: nil, nowMs: nowMs)
      #expect(eventually(within: Self.turnS) { Self.mayRead(host, "friend") })
      #expect(host.read("old/topic", username: "friend") != success)
      _ = try admin.assign(
        digests[1].description, to: friend, offer: Name("old"), note: nil, nowMs: nowMs)
      #expect(
        eventually(within: Self.turnS) { host.read("old/topic", username: "friend") == success })
      #expect(host.read("old/topic", username: "other") == denied, "its topic is sold again")
      try shell.run("DELETE FROM grants")
      #expect(eventually(within: Self.turnS) { !Self.mayRead(host, "friend") })
    }
  }

  @Test func `a long write lock is never felt by checks, nor by what is bought already`()
    async throws
  {
    try await withPlugin { host, shell in
      try shell.run("INSERT INTO grants VALUES (7, 'friend', \(Shell.granted), NULL)")
      #expect(eventually(within: Self.turnS) { Self.mayRead(host, "friend") })
      try shell.holdingLock(after: "INSERT INTO grants VALUES (8, 'jane', \(Shell.granted), NULL)")
      {
        // The watcher waits for the lock meanwhile; a check waits for nothing.
        let waits = waitCount()
        var checks = 0
        let end = ContinuousClock.now + .seconds(1.5)
        while ContinuousClock.now < end {
          #expect(Self.mayRead(host, "friend"))
          #expect(!Self.mayRead(host, "jane"), "not committed")
          checks += 2
        }
        // Of the test's own allocations one or the other may.
        #expect(waitCount() - waits <= checks / 100, "\(checks) checks")
      }
      #expect(eventually(within: Self.turnS) { Self.mayRead(host, "jane") })
    }
  }

  @Test func `a row that makes no sense is told once, and gives nothing`() async throws {
    try await withPlugin { host, shell in
      try shell.run(
        """
        INSERT INTO grants VALUES
          (1, CAST(x'66ff' AS TEXT), \(Shell.granted), NULL),
          (2, 'friend', 'no such offer', 'granted', 0, 9000000000000000, NULL, NULL, NULL),
          (3, 'friend', 'live', 'granted', 0, 9000000000000000, NULL, 99, NULL),
          (4, 'jane', \(Shell.granted), NULL)
        """)
      #expect(eventually(within: Self.turnS) { Self.mayRead(host, "jane") })
      #expect(!Self.mayRead(host, "friend"))
      #expect(!Self.mayRead(host, "f\u{FFFD}"))
      try shell.run(
        "UPDATE grants SET note = 'again'; UPDATE grants SET account = 'joe' WHERE id = 4")
      #expect(eventually(within: Self.turnS) { Self.mayRead(host, "joe") })
      host.stop()
      for row in 1...3 {
        let lines = PluginHost.log(containing: "\(shell.path): grants row \(row) is ignored")
        #expect(lines.count == 1, "row \(row): \(lines)")
      }
    }
  }

  @Test func `damage that no access hangs on is told while the broker serves`() async throws {
    try await onThread {
      let host = try PluginHost(tangle: Self.down)
      #expect(host.start() == success)
      host.stop()
      let shell = Shell(path: host.scratch.path("paywall.db"))
      let page = try shell.answer("SELECT rootpage FROM sqlite_schema WHERE name = 'credits'")
      let file = try #require(FileHandle(forUpdatingAtPath: shell.path))
      try file.seek(toOffset: (#require(UInt64(page)) - 1) * 4096)
      try file.write(contentsOf: Data(repeating: 0xA5, count: 200))
      try file.close()
      #expect(host.start() == success)
      #expect(
        eventually(within: Self.turnS) {
          host.tick()
          return !PluginHost.log(containing: "\(shell.path): it is damaged").isEmpty
        })
      #expect(host.read("sensor/1m", username: nil) == success)
      host.stop()
    }
  }

  @Test func `offers that make no sense close nothing that runs, and stop the next start`()
    async throws
  {
    try await withPlugin { host, shell in
      try shell.run(
        """
        INSERT INTO grants VALUES (7, 'friend', \(Shell.granted), NULL);
        UPDATE offers SET topics = 'nonsense'
        """)
      #expect(
        eventually(within: Self.turnS) {
          host.tick()
          return !PluginHost.log(containing: "\(shell.path): offers row 1 makes no sense").isEmpty
        })
      #expect(host.read("sensor/live", username: "jane") == denied)
      host.stop()
      #expect(host.start() != success)
      #expect(
        PluginHost.log(containing: "\(shell.path): offers row 1 makes no sense").count == 2)
    }
  }
}

import Configuration
import Foundation
import Testing

/// Ledgers that were edited by hand into nonsense: `check` and `verify` say something, and end.
@Suite(.timeLimit(.minutes(5))) struct NonsenseTests {
  private static let columns = [
    "payments": ["amount", "checkpoint", "paid_at", "seen_at"],
    "grants": ["starts_at", "ends_at", "version"],
    "credits": ["nanos"],
    "offers": ["price", "per_ms", "minimum_ms", "clients", "valid_from_at", "valid_until_at"],
    "sync": ["checkpoint", "since_at", "updated_at"],
  ]

  /// Every number of every table at its extremes, and every text as none.
  private static var edits: [String] {
    var edits: [String] = []
    for (table, columns) in columns.sorted(by: { $0.key < $1.key }) {
      for column in columns {
        for value in ["9223372036854775807", "-9223372036854775808"] {
          edits.append("UPDATE \(table) SET \(column) = \(value)")
        }
      }
    }
    for key in ["born_at", "alive_at", "offers_from", "secret_fingerprint", "opened_at"] {
      for value in ["nonsense", "9223372036854775807", "-9223372036854775808"] {
        edits.append("UPDATE meta SET value = '\(value)' WHERE key = '\(key)'")
      }
    }
    return edits + [
      "UPDATE payments SET payer = 'x', account = CAST(x'ff0a' AS TEXT), offer = '', memo = '{'",
      "UPDATE OR IGNORE payments SET digest = CAST(x'ff0a' AS TEXT)",
      "UPDATE grants SET account = CAST(x'ff' AS TEXT), offer = '', payment = 'x'",
      "UPDATE sync SET network = CAST(x'ff' AS TEXT), address = 'x'",
      "DELETE FROM sync", "DELETE FROM meta", "DELETE FROM grants", "DELETE FROM offers",
    ]
  }

  @Test(arguments: [PaywallConfiguration.TangleProtocol.rebasedJSONRPC, .stardust])
  func `nothing that stands in a ledger ends the commands early`(
    protocol: PaywallConfiguration.TangleProtocol
  ) async throws {
    try await Booth.open(`protocol`, behindMs: 3_600_000) { booth in
      try booth.setUpBroker()
      for memo in [#"{"username":"johndoe"}"#, #"{"username":"poor","offer":"live"}"#] {
        try await booth.pay(20_000_000, memo)
        try await booth.pay(1_000_000, memo)
      }
      try await booth.record()
      booth.clock.set(behindMs: 0)
      await booth.makeCheckpoint()
      let middle = try booth.sql(
        """
        SELECT strftime('%Y-%m-%dT%H:%M:%fZ', (min(paid_at) + max(paid_at)) / 2000.0, 'unixepoch')
        FROM payments
        """)
      let original = try Data(contentsOf: URL(filePath: booth.ledger))
      for edit in Self.edits {
        for suffix in ["-wal", "-shm"] {
          try? FileManager.default.removeItem(atPath: booth.ledger + suffix)
        }
        try original.write(to: URL(filePath: booth.ledger))
        try booth.sql("PRAGMA ignore_check_constraints = 1; \(edit)")
        let checked = try await booth.paywall("check", "--json")
        #expect([0, 1].contains(checked.code), "\(edit): \(checked.errors)")
        #expect(checked.output.hasPrefix("[{"), "\(edit)")
        for from in [[], ["--from", middle[0]]] {
          let verified = try await booth.run(["verify"] + from)
          #expect([0, 1, 2].contains(verified.code), "\(edit): \(verified.errors)")
          #expect(verified.output.isEmpty == (verified.code == 2 && !verified.errors.isEmpty))
        }
      }
    }
  }
}

import Foundation
import GRDB
import Glibc
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// What `paywall access`, `payments`, `revenue` and `why` ask.
struct LedgerReaderTests {
  private let world: World
  private let path: String

  init() throws {
    world = try World()
    path = world.ledger.path
  }

  private func write(_ sql: String, to path: String? = nil) throws {
    try DatabaseQueue(path: path ?? self.path).write { try $0.execute(sql: sql) }
  }

  private func digests(_ filter: PaymentFilter, limit: Int = 99) throws -> [String] {
    try LedgerReader(path: path).newestPayments(filter, limit: limit).payments.map(\.digest)
  }

  private func digests(_ numbers: UInt8...) -> [String] {
    numbers.map { World.digest($0).description }
  }

  // MARK: - Payments

  @Test func `payments come newest first, pending ones before all, and are chosen`() throws {
    try world.record(
      World.payment(3, 100), World.payment(1, 100, for: "tim"),
      World.payment(2, 100, offer: "none"), World.payment(4, 100, checkpoint: 3),
      World.payment(9, 100, isPending: true))
    #expect(try digests(PaymentFilter()) == digests(9, 4, 3, 2, 1))
    #expect(try digests(PaymentFilter(state: .confirmed)) == digests(4, 3, 1))
    #expect(try digests(PaymentFilter(state: .pending)) == digests(9))
    #expect(try digests(PaymentFilter(account: Array("tim".utf8))) == digests(1))
    #expect(try digests(PaymentFilter(fromMs: 2000, toMs: 3000)) == digests(2))
    // The pending one was seen at 5000.
    #expect(try digests(PaymentFilter(fromMs: 3000)) == digests(9, 4, 3))
    #expect(try digests(PaymentFilter(fromMs: 3000, toMs: 5000)) == digests(4, 3))
    let some = try LedgerReader(path: path).newestPayments(PaymentFilter(), limit: 4)
    #expect(some.payments.count == 4 && some.areMore)
    #expect(try !LedgerReader(path: path).newestPayments(PaymentFilter(), limit: 5).areMore)
    var oldest: [String] = []
    try LedgerReader(path: path).forEachPayment(PaymentFilter()) { oldest.append($0.digest) }
    #expect(oldest == digests(1, 2, 3, 4, 9))
  }

  @Test func `what a reader's own code throws comes out as it is, and ends the reading`() throws {
    try world.record(World.payment(1, 100), World.payment(2, 100))
    struct Full: Error {}
    var count = 0
    #expect(throws: Full.self) {
      try LedgerReader(path: path).forEachPayment(PaymentFilter()) { _ in
        count += 1
        throw Full()
      }
    }
    #expect(count == 1)
  }

  @Test func `rows that somebody has edited into nonsense are shown, and end nothing`() throws {
    try world.record(World.payment(1, 100))
    try write(
      """
      INSERT INTO payments VALUES
        (CAST(x'66ff' AS TEXT), CAST(x'ff' AS TEXT), -7, \(Int64.max), CAST(x'00ff' AS TEXT),
          \(Int64.min), \(Int64.min), \(Int64.max), 'unclaimed', NULL, NULL, NULL),
        ('', NULL, 9, \(Int64.max), NULL, \(Int64.max), \(Int64.max), \(Int64.min), 'confirmed', NULL,
          CAST(x'ff' AS TEXT), CAST(x'ff' AS TEXT))
      """)
    let reader = try LedgerReader(path: path)
    let payments = try reader.newestPayments(PaymentFilter(), limit: 9).payments
    #expect(payments.map(\.digest) == ["", World.digest(1).description, "f\u{FFFD}"])
    #expect(payments[2].memo == "\0\u{FFFD}")
    let days = try reader.revenueByDay(fromMs: nil, toMs: nil)
    #expect(days.map(\.key) == [0, 2_932_896])
    #expect(days.map(\.count) == [2, 1], "a time before the calendar is not lost")
    #expect(try reader.paymentCount().count == 3)
  }

  // MARK: - Revenue

  @Test func `revenue is exact beyond 64 bits, here and in the view`() throws {
    for number in UInt8(1)...5 {
      try write(
        """
        INSERT INTO payments VALUES ('\(World.digest(number))', NULL, 1, \(Int64.max), NULL, 1,
          86400000, 0, 'confirmed', NULL, 'a', 'live')
        """)
    }
    let expected = UInt128(Int64.max) * 5
    let reader = try LedgerReader(path: path)
    #expect(try reader.revenueByDay(fromMs: nil, toMs: nil).map(\.nanos) == [expected])
    #expect(try reader.revenueByOffer(fromMs: nil, toMs: nil).map(\.nanos) == [expected])
    let shown = try world.rows("SELECT day, payments, iota FROM revenue_by_day")
    #expect(shown == ["1970-01-02|5|\(Amount.iota(expected, fractionCount: 9))"])
    #expect(Amount.iota(expected, fractionCount: 9) == "46116860184.273879035")
  }

  @Test func `revenue is what the view shows, by day and by offer, of a time`() throws {
    let day: Int64 = 86_400
    try world.record([
      World.payment(1, 300, checkpoint: day), World.payment(2, 400, checkpoint: 2 * day),
      World.payment(3, 50, offer: "other", checkpoint: 2 * day + 1),
      World.payment(4, 7, offer: "none", checkpoint: 2 * day + 2),
      World.payment(5, 900, isPending: true),
    ])
    try write(
      """
      INSERT INTO payments VALUES ('r', NULL, 1, 5000, NULL, 1, 1, 0, 'rejected', 'x', NULL, NULL)
      """)
    let reader = try LedgerReader(path: path)
    let days = try reader.revenueByDay(fromMs: nil, toMs: nil)
    #expect(days == [Revenue(key: 1, count: 1, nanos: 300), Revenue(key: 2, count: 3, nanos: 457)])
    #expect(
      try world.rows("SELECT * FROM revenue_by_day") == [
        "1970-01-03|3|457|0.000000457", "1970-01-02|1|300|0.000000300",
      ])
    #expect(
      try reader.revenueByOffer(fromMs: nil, toMs: nil) == [
        Revenue(key: "live", count: 2, nanos: 700), Revenue(key: "other", count: 1, nanos: 50),
        Revenue(key: nil, count: 1, nanos: 7),
      ])
    let from = 2 * day * 1000
    #expect(try reader.revenueByDay(fromMs: from, toMs: from + 1000).map(\.nanos) == [400])
    #expect(try reader.revenueByDay(fromMs: from + 1, toMs: nil).map(\.nanos) == [57])
    #expect(try reader.revenueByDay(fromMs: nil, toMs: 0).isEmpty)
  }

  // MARK: - Access

  /// Who holds what now, as `access_now` shows it.
  private func accessNow() throws -> [String] {
    try world.rows(
      """
      SELECT account, offer, CAST(round((julianday(until) - 2440587.5) * 86400000) AS INTEGER)
      FROM access_now
      """)
  }

  @Test func `access is what access_now shows, in random worlds`() throws {
    var random = SplitMix64(seed: 20_261_126)
    let kinds = ["bought", "granted", "made_good", "revoked"]
    try world.record(World.payment(1, 100))
    for round in 0..<30 {
      let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
      var rows: [String] = []
      for _ in 0..<Int.random(in: 1...14, using: &random) {
        // Hours from now: no end comes while the test runs.
        let start = nowMs + Int64.random(in: -5...4, using: &random) * 3_600_000 + 1_800_000
        let end = start + Int64.random(in: 0...5, using: &random) * 3_600_000
        let kind = kinds[Int.random(in: 0...3, using: &random)]
        let account = ["johndoe", "caf\u{E9}"][Int.random(in: 0...1, using: &random)]
        let offer = Int.random(in: 0...1, using: &random)
        let version = kind == "bought" ? "\(offer + 1)" : "NULL"
        rows.append(
          """
          ('\(account)', '\(["live", "other"][offer])', '\(kind)', \(start), \(end),
          '\(World.digest(1))', \(version))
          """)
      }
      try write(
        """
        DELETE FROM grants;
        INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version)
          VALUES \(rows.joined(separator: ", "))
        """)
      var held: [String] = []
      let flaws = try LedgerReader(path: path).forEachHolding(endingAfterMs: nowMs) { holding in
        guard holding.span.contains(nowMs) else { return }
        let names = [holding.account, holding.offer].map { String(decoding: $0, as: UTF8.self) }
        held.append("\(names[0])|\(names[1])|\(holding.span.endsAtMs)")
      }
      #expect(flaws.isEmpty)
      #expect(try held.sorted() == accessNow().sorted(), "round \(round): \(rows)")
    }
  }

  @Test func `access of one account and offer, what is over, and rows that give nothing`() throws {
    try write(
      """
      INSERT INTO grants (id, account, offer, kind, starts_at, ends_at, version) VALUES
        (1, 'a', 'live', 'granted', 0, 10, NULL), (2, 'a', 'live', 'granted', 5, 20, 1),
        (3, 'a', 'other', 'granted', 50, 60, NULL), (4, 'b', 'live', 'granted', 0, 99, NULL),
        (5, 'b', 'live', 'revoked', 30, 40, NULL), (6, 'b', 'none', 'granted', 0, 99, NULL),
        (7, 'b', 'live', 'granted', 0, 500, 2)
      """)
    func held(_ account: String?, _ offer: String?, _ timeMs: Int64) throws -> ([String], Int) {
      var held: [String] = []
      let flaws = try LedgerReader(path: path).forEachHolding(
        of: account.map { Array($0.utf8) }, offer: offer.flatMap { Name($0) },
        endingAfterMs: timeMs
      ) { holding in
        let names = [holding.account, holding.offer].map { String(decoding: $0, as: UTF8.self) }
        held.append(
          "\(names.joined(separator: " ")) \(holding.span.startsAtMs)-\(holding.span.endsAtMs)")
      }
      return (held, flaws.count)
    }
    let all = ["a live 0-20", "a other 50-60", "b live 0-30", "b live 40-99"]
    #expect(try held(nil, nil, .min) == (all, 2))
    #expect(try held(nil, nil, 30) == (["a other 50-60", "b live 40-99"], 2))
    #expect(try held("a", nil, .min) == (Array(all[..<2]), 0))
    #expect(try held(nil, "live", 20) == (Array(all[2...]), 2))
    #expect(try held("nobody", nil, .min) == ([], 0))
  }

  // MARK: - The file

  /// What there is in the folder of a ledger: names, contents and times.
  private func state(_ folder: String) throws -> [String: [String]] {
    var state: [String: [String]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let file = "\(folder)/\(name)"
      var status = stat()
      #expect(stat(file, &status) == 0)
      // The index of the WAL holds locks and marks of readers; it is no part of the ledger.
      let contents =
        name.hasSuffix("-shm") ? "" : "\(try Data(contentsOf: URL(filePath: file)).hashValue)"
      state[name] = [contents, "\(status.st_mtim)", "\(status.st_ino)", "\(status.st_mode)"]
    }
    return state
  }

  /// Runs `body` as somebody who may read the files of a folder and write none.
  private func reading<T: Sendable>(
    _ folder: String, _ body: @escaping @Sendable () throws -> T
  ) async throws -> T {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    for name in files { #expect(chmod("\(folder)/\(name)", 0o444) == 0) }
    #expect(chmod(folder, 0o555) == 0)
    defer { chmod(folder, 0o755) }
    return try await onThread {
      guard geteuid() == 0 else { return try body() }
      // Of this thread alone, and with it go root's rights to every file (setfsuid(2)).
      typealias SetFSUID = @convention(c) (uid_t) -> Int32
      let symbol = try #require(dlsym(nil, "setfsuid"))
      let setFSUID = unsafeBitCast(symbol, to: SetFSUID.self)
      _ = setFSUID(65_534)
      defer { _ = setFSUID(0) }
      #expect(open(folder + "/new", O_CREAT | O_WRONLY, 0o600) == -1, "nobody may write")
      return try body()
    }
  }

  @Test func `who may only read reads beside the broker, a lock and a page that is not committed`()
    async throws
  {
    try world.record(World.payment(1, 100))
    let (folder, path) = (world.scratch.url.path, path)
    let before = try state(folder)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let shell = try DatabaseQueue(path: path, configuration: configuration)
    try await shell.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE; DELETE FROM credits")
      try db.execute(sql: "UPDATE payments SET amount = 7")
    }
    let amounts = try await reading(folder) {
      try LedgerReader(path: path).newestPayments(PaymentFilter(), limit: 9).payments
        .map(\.amountNanos)
    }
    #expect(amounts == [100])
    try await shell.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    let after = try state(folder)
    #expect(after.keys.sorted() == before.keys.sorted())
    #expect(after["ledger.db"]?.prefix(3) == before["ledger.db"]?.prefix(3))
    #expect(after["ledger.db-wal"]?.first == before["ledger.db-wal"]?.first)
  }

  @Test func `who may only read reads after the broker, whether it has ended or was killed`()
    async throws
  {
    let scratch = try Scratch()
    try world.record(World.payment(1, 100))
    for (place, suffixes) in [("killed", ["", "-wal", "-shm"]), ("ended", [""])] {
      // A strange name, for it becomes part of a URI.
      let folder = scratch.path("a ?&#%41 \(place)")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      if place == "ended" { try world.ledger.checkpoint() }
      for suffix in suffixes {
        try FileManager.default.copyItem(atPath: path + suffix, toPath: "\(folder)/l.db\(suffix)")
      }
      for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
        #expect(chmod("\(folder)/\(name)", 0o444) == 0)
      }
      let before = try state(folder)
      let count = try await reading(folder) {
        try LedgerReader(path: "\(folder)/l.db").paymentCount().count
      }
      #expect(count == 1, "\(place)")
      #expect(try state(folder) == before, "\(place)")
      // As somebody who may do anything, too.
      #expect(try LedgerReader(path: "\(folder)/l.db").paymentCount().count == 1)
      #expect(try state(folder) == before, "\(place)")
    }
  }

  @Test func `a broker that starts while the file is read without locks is noticed`() throws {
    let scratch = try Scratch()
    let copy = scratch.path("copy.db")
    try world.ledger.checkpoint()
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let reader = try LedgerReader(path: copy)
    #expect(try reader.paymentCount().count == 0)
    let broker = try Ledger(path: copy, nowMs: 0)
    #expect(try reader.paymentCount().count == 0, "nothing was moved into the file yet")
    try broker.checkpoint()
    let error = #expect(throws: LedgerError.self) { try reader.paymentCount() }
    #expect(error?.code == .busy)
  }

  @Test func `what cannot be read is told in a sentence`() throws {
    let error = #expect(throws: LedgerError.self) {
      try LedgerReader(path: world.scratch.path("none.db"))
    }
    #expect(error?.description.contains("none.db: it cannot be found (No such file") == true)
    let text = try world.scratch.write(String(repeating: "no database ", count: 999), to: "text")
    #expect(throws: LedgerError.self) { try LedgerReader(path: text) }
    let foreign = world.scratch.path("foreign.db")
    try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE t (x)") }
    let noLedger = #expect(throws: LedgerError.self) { try LedgerReader(path: foreign) }
    #expect(noLedger?.reason.hasPrefix("it is no ledger") == true)
    try write("PRAGMA user_version = 99")
    let newer = #expect(throws: LedgerError.self) { try LedgerReader(path: path) }
    #expect(newer?.code == .newer)
    #expect(newer?.reason.contains("a newer version made it (schema 99)") == true)
  }
}

import Testing
import TestSupport

/// A ledger into which somebody writes nonsense while the broker runs: no crash, no access by
/// mistake, and a line that names the row.
@Suite(.onOwnThread)
struct EditedLedgerTests {
  private static let columns = "id, account, offer, kind, starts_at, ends_at, payment, version"
  private static let always = "'live', 'granted', 0, 9000000000000, NULL, NULL"

  /// Rows of `grants` that make no sense, and what is wrong with them.
  private static let nonsense: [(row: String, reason: String)] =
    [
      "''", "'a/b'", "'#'", "'+'", "'$SYS'", "'%u'", "'a:b'", "'buyer:'",
      "CAST(x'00' AS TEXT)", "CAST(x'ff' AS TEXT)", "CAST(x'6a6f686e646f65c3' AS TEXT)",
      "CAST(x'6a6f686e646f6500' AS TEXT)", "CAST(x'6a6f686e646f6501' AS TEXT)",
      "'johndoe' || char(10)", "'johndoe' || char(133)",
      "'0x' || upper(hex(zeroblob(31))) || 'AB'", "'buyer:' || hex(zeroblob(40))",
      "hex(zeroblob(100000))",
    ].map { ("\($0), \(always)", "nobody can have the name of its account") }
    + [
      ("'johndoe', 'none', 'granted', 0, 9000000000000, NULL, NULL", "no offer has ever had"),
      (
        "'johndoe', CAST(x'6c697665ff' AS TEXT), 'granted', 0, 9000000000000, NULL, NULL",
        "no offer has ever had"
      ),
      ("'johndoe', 'LIVE', 'granted', 0, 9000000000000, NULL, NULL", "no offer has ever had"),
      ("'johndoe', 'live', 'granted', 0, 9000000000000, NULL, 99", "its version is no row"),
      ("'johndoe', 'live', 'given', 0, 9000000000000, NULL, NULL", "a kind that there is not"),
    ]

  /// Rows that give nothing, though nothing is wrong with them.
  private static let empty = [
    // A span that is reversed, empty, over, or far ahead.
    "'johndoe', 'live', 'granted', 9223372036854775807, -9223372036854775808, NULL, NULL",
    "'johndoe', 'live', 'granted', 9000000000001, 9000000000000, NULL, NULL",
    "'johndoe', 'live', 'granted', 9223372036854775807, 9223372036854775807, NULL, NULL",
    "'johndoe', 'live', 'granted', -9223372036854775808, 0, NULL, NULL",
    "'johndoe', 'live', 'granted', 9000000000000, 9223372036854775807, NULL, NULL",
    // Given, and taken.
    "'janedoe', 'live', 'granted', -9223372036854775808, 9223372036854775807, NULL, NULL",
    "'janedoe', 'live', 'revoked', -9223372036854775808, 9223372036854775807, NULL, NULL",
  ]

  /// Writes as somebody who switches off all that SQLite checks.
  private static func write(_ sql: String, _ shop: Shop) throws {
    try shop.ledger.execute(
      "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; \(sql)")
  }

  /// Publishes what is sold, and what is free after it.
  ///
  /// - Returns: Which of the clients, all subscribed to both, received what is sold.
  private static func whoReads(_ clients: [Client], _ agent: Client) throws -> [Bool] {
    let text = "\(UInt64.random(in: .min ... .max))"
    for topic in ["sensor/live", "sensor/1m"] { try agent.publish(topic, text, qos: 1) }
    return try clients.map { client in
      guard client.awaitArrival(of: "sensor/1m", where: { $0.text == text }) != nil else {
        throw TestFailure("a client receives nothing of what is free")
      }
      return client.arrivals(of: "sensor/live").contains { $0.text == text }
    }
  }

  @Test func `rows that make no sense are told, and give nothing`() async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let readers = try ["johndoe", "janedoe", nil].map { try shop.client($0) }
      for reader in readers {
        for filter in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: filter) }
      }
      let rows = Self.nonsense.enumerated().map { "(\(1000 + $0), \($1.row))" }
      let harmless = Self.empty.enumerated().map { "(\(2000 + $0), \($1))" }
      try Self.write(
        "INSERT INTO grants (\(Self.columns)) VALUES "
          + (rows + harmless).joined(separator: ", "), shop)
      for (index, (row, reason)) in Self.nonsense.enumerated() {
        #expect(shop.broker.logs("grants row \(1000 + index) is ignored"), "\(row)")
        let lines = shop.broker.pluginLines.filter { $0.contains("grants row \(1000 + index) ") }
        #expect(lines.count == 1 && lines.first?.contains(reason) == true, "\(lines)")
      }
      #expect(!shop.broker.log.contains("grants row 2"))
      #expect(try Self.whoReads(readers, agent) == [false, false, false])

      // And the broker goes on: what makes sense counts, now and after a restart.
      _ = try await shop.buyer().pay(600_000, username: "johndoe")
      #expect(try eventually { try Self.whoReads(readers, agent) == [true, false, false] })
      try shop.broker.stop()
      try shop.broker.start()
      for index in Self.nonsense.indices {
        #expect(shop.broker.logs("grants row \(1000 + index) is ignored", times: 2))
      }
    }
  }

  @Test func `what an account was given of another's payment is no more than the row says`()
    async throws
  {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let buyer = try await shop.buyer()
      let paid = try buyer.pay(600_000, username: "johndoe")
      try shop.ledger.settled(paid)
      let readers = try ["johndoe", "janedoe"].map { try shop.client($0) }
      for reader in readers {
        for filter in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: filter) }
      }
      #expect(try eventually { try Self.whoReads(readers, agent) == [true, false] })
      // The row that a payment made is given to somebody else: an admin's word counts.
      try Self.write("UPDATE grants SET account = 'janedoe'", shop)
      #expect(try eventually { try Self.whoReads(readers, agent) == [false, true] })
      // A further row of the payment of another's, of a time that is over.
      try Self.write("UPDATE grants SET account = 'johndoe'", shop)
      try Self.write(
        """
        INSERT INTO grants (\(Self.columns))
          SELECT 7000, 'janedoe', offer, 'granted', 0, 1, payment, version FROM grants
        """, shop)
      #expect(try eventually { try Self.whoReads(readers, agent) == [true, false] })
      // Whose a payment is, the payment tells.
      try shop.ledger.settled(try buyer.pay(600_000, username: "janedoe"))
      #expect(try eventually { try Self.whoReads(readers, agent) == [true, true] })
      #expect(try shop.ledger.payment(paid.digest)?.account == "johndoe")
    }
  }

  @Test func `nonsense in every table leaves the broker alive and what was bought intact`()
    async throws
  {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(600_000, username: "johndoe"))
      let reader = try shop.client("johndoe")
      let other = try shop.client("janedoe")
      for client in [reader, other] {
        for filter in ["sensor/live", "sensor/1m"] { try client.subscribe(to: filter) }
      }
      #expect(try eventually { try Self.whoReads([reader, other], agent) == [true, false] })
      let most = "9223372036854775807"
      for (index, change) in [
        "INSERT INTO credits VALUES (CAST(x'ff' AS TEXT), 'live', \(most))",
        "INSERT INTO credits VALUES ('janedoe', 'none', -1)",
        "INSERT INTO credits VALUES ('janedoe', 'live', -\(most))",
        "UPDATE payments SET payer = CAST(x'00ff' AS TEXT), memo = CAST(x'ff' AS TEXT)",
        "UPDATE payments SET amount = \(most), paid_at = -\(most)",
      ].enumerated() {
        try Self.write(change, shop)
        // The watcher has seen the change when it tells of this.
        let witness = 8000 + index
        try Self.write(
          """
          INSERT INTO grants (id, account, offer, kind, starts_at, ends_at)
            VALUES (\(witness), 'witness', 'nothing', 'granted', 0, 9000000000000)
          """, shop)
        #expect(shop.broker.logs("grants row \(witness) is ignored"), "\(change)")
        #expect(try Self.whoReads([reader, other], agent) == [true, false], "\(change)")
      }
      // An offer that nobody understands may be one that was sold: nothing changes until it is mended.
      try Self.write(
        """
        INSERT INTO offers SELECT 77, CAST(x'ff' AS TEXT), 9, 'no JSON', \(most), \(most), -1, -1, 0,
          NULL FROM offers LIMIT 1
        """, shop)
      #expect(shop.broker.logs("offers row 77 makes no sense"))
      shop.broker.reload()
      #expect(try Self.whoReads([reader, other], agent) == [true, false])
      try shop.ledger.execute("DELETE FROM offers WHERE id = 77")
      try Self.write(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at)
          VALUES ('janedoe', 'live', 'granted', 0, 9000000000000)
        """, shop)
      #expect(try eventually { try Self.whoReads([reader, other], agent) == [true, true] })
      #expect(shop.broker.isRunning)
    }
  }
}

import GRDB
public import PaywallCore

/// What an account holds, as its owner is told.
public struct AccountStatus: Hashable, Sendable {
  /// A payment that counts for the account.
  public struct Payment: Hashable, Sendable {
    /// The transaction's name.
    public var digest: String
    /// What was paid.
    public var amountNanos: Nanos
    /// The checkpoint's time, in Unix milliseconds.
    public var paidAtMs: Int64
  }

  /// What it holds of one offer.
  public struct Offer: Hashable, Sendable {
    /// The offer's name.
    public var name: Name
    /// When the access ends that it has now, in Unix milliseconds; nil: it has none now.
    public var untilMs: Int64?
    /// What was paid and has bought nothing yet.
    public var creditNanos: Nanos
    /// What has to be paid beyond that to get anything; nil where the offer is not on sale, or where
    /// whatever is paid next gets something.
    public var missingNanos: Nanos?
    /// The newest payment.
    public var lastPayment: Payment?
  }

  /// All offers of which the account ever had anything, by name.
  public var offers: [Offer]
}

extension Ledger {
  /// What an account holds.
  ///
  /// - Parameters:
  ///   - account: Its name inside the broker.
  ///   - nowMs: The tangle's time.
  /// - Returns: The status, without offers where there is no such account.
  /// - Throws: `LedgerError`.
  /// - Complexity: Independent of how much of what the account had has ended.
  public func status(
    of account: Username, nowMs: Int64
  ) throws(LedgerError) -> AccountStatus {
    let versions = try offerVersions()
    return try read { db in
      let question = StatusQuestion(
        account: .bytes(account), nowMs: nowMs, versions: versions, db: db)
      return AccountStatus(
        offers: try question.names().map { name in
          var offer = try question.status(of: name)
          offer.missingNanos = versions.offer(named: name, atMs: nowMs)
            .flatMap { $0.amount(forMs: max(1, $0.minimumMs)) }
            .map { $0 - offer.creditNanos }.flatMap { $0 > 0 ? $0 : nil }
          return offer
        })
    }
  }
}

private struct StatusQuestion {
  let account: Prepared.Value
  let nowMs: Int64
  let versions: OfferVersions
  let db: Database

  /// The offers of which the account ever had anything: from one to the next by the indexes.
  func names() throws -> [Name] {
    var names: Set<Name> = []
    for table in ["grants", "payments", "credits"] {
      let statement = try Prepared(
        """
        WITH RECURSIVE held (offer) AS (
          SELECT min(offer) FROM \(table) WHERE account = ?1
          UNION ALL
          SELECT (SELECT min(offer) FROM \(table) WHERE account = ?1 AND offer > held.offer)
            FROM held WHERE held.offer IS NOT NULL)
        SELECT offer FROM held WHERE offer IS NOT NULL
        """, db)
      try statement.forEach(account) { row in
        if let name = row.bytes(0).flatMap({ Name($0) }) { names.insert(name) }
        return true
      }
    }
    return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }

  func status(of name: Name) throws -> AccountStatus.Offer {
    let offer = Prepared.Value.bytes(name.bytes)
    return AccountStatus.Offer(
      name: name, untilMs: try untilMs(offer), creditNanos: try creditNanos(offer),
      lastPayment: try lastPayment(offer))
  }

  private func untilMs(_ offer: Prepared.Value) throws -> Int64? {
    var grants: [Grant] = []
    let statement = try Prepared(
      """
      SELECT \(GrantRow.columns) FROM grants WHERE account = ? AND offer = ? AND ends_at > ?
      """, db)
    try statement.forEach(account, offer, .integer(nowMs)) { row in
      // Rows that make no sense give no access, and are told with it.
      if let row = try? GrantRow(row, versions) { grants.append(row.grant) }
      return true
    }
    return Grant.access(grants).first { $0.contains(nowMs) }?.endsAtMs
  }

  private func creditNanos(_ offer: Prepared.Value) throws -> Nanos {
    try Prepared("SELECT nanos FROM credits WHERE account = ? AND offer = ?", db)
      .first(account, offer) { $0.integer(0) } ?? 0
  }

  private func lastPayment(_ offer: Prepared.Value) throws -> AccountStatus.Payment? {
    try Prepared(
      """
      SELECT digest, amount, paid_at FROM payments
      WHERE account = ? AND offer = ? ORDER BY checkpoint DESC LIMIT 1
      """, db
    ).first(account, offer) { row in
      guard let digest = row.text(0), let amount = row.integer(1), let paidAtMs = row.integer(2)
      else { return nil }
      return AccountStatus.Payment(digest: digest, amountNanos: amount, paidAtMs: paidAtMs)
    }
  }
}

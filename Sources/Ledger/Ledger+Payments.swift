import GRDB
public import PaywallCore

extension Ledger {
  /// What recording a page has changed.
  public struct Recorded: Hashable, Sendable {
    /// What became of one payment.
    public struct Outcome: Hashable, Sendable {
      /// The payment.
      public var payment: Payment
      /// To whom it counts; nil for what is pending or no payment.
      public var assignment: Assignment?
      /// What it bought; nil where nothing, or not yet.
      public var bought: Span?
      /// What makes good that it became known late; nil where nothing was lost.
      public var madeGood: Span?
      /// The access that it gives before it is in a checkpoint; nil where none.
      public var provisional: Span?
    }

    /// New payments and pending ones that were confirmed, in their order, and earlier ones that count
    /// for somebody else now.
    public var outcomes: [Outcome] = []
    /// The names of the accounts whose access may have changed from `nowMs` on.
    public var accounts: Set<Username> = []
    /// Logins of buyers that are right from now on, or are not any more.
    public var logins: [Login] = []
  }

  /// Where reading stands for a network and an address.
  ///
  /// - Parameters:
  ///   - network: The chain identifier.
  ///   - address: The seller's address.
  ///   - sinceMs: Earlier payments are not looked at; nil: from the ledger's birth.
  /// - Returns: The position.
  /// - Throws: `LedgerError`.
  public func position(
    network: String, address: Address, sinceMs: Int64?
  ) throws(LedgerError) -> ReadingPosition {
    let bornAtMs = try bornAtMs()
    let sinceMs = sinceMs ?? bornAtMs
    // What lies before the time from which was read so far is not covered by the checkpoint.
    let checkpoint = try read { db in
      try Prepared(
        "SELECT checkpoint FROM sync WHERE network = ? AND address = ? AND since_at <= ?", db
      ).first(.text(network), .text(address.description), .integer(sinceMs)) { $0.integer(0) }
        // A number that no checkpoint has was written by hand.
        .flatMap { $0 >= 0 ? $0 : nil }
    }
    return ReadingPosition(checkpoint: checkpoint, sinceMs: sinceMs)
  }

  /// The time of the newest payment, in Unix milliseconds; nil where there is none.
  ///
  /// - Throws: `LedgerError`.
  public func newestPaidAtMs() throws(LedgerError) -> Int64? {
    try read { try Prepared("SELECT max(paid_at) FROM payments", $0).first { $0.integer(0) } }
  }

  /// Whether a transaction has its final row.
  ///
  /// - Throws: `LedgerError`.
  public func isKnown(_ digest: Digest) throws(LedgerError) -> Bool {
    try read { db in
      try Self.state(of: digest.description, db).map { $0 != "pending" } ?? false
    }
  }

  /// Whether any payment waits for its checkpoint, and has not waited in vain for long.
  ///
  /// - Parameter sinceMs: Those that were seen earlier are left aside, in Unix milliseconds.
  /// - Returns: Whether there is any.
  /// - Throws: `LedgerError`.
  public func hasPendingPayments(sinceMs: Int64) throws(LedgerError) -> Bool {
    try read { db in
      try Prepared("SELECT 1 FROM payments WHERE state = 'pending' AND seen_at > ? LIMIT 1", db)
        .first(.integer(sinceMs)) { $0.integer(0) } != nil
    }
  }

  /// Records a page of payments and all they cause in one transaction, reading position included.
  ///
  /// Each transaction counts once, whatever is repeated.
  ///
  /// - Parameters:
  ///   - page: The page.
  ///   - network: The chain identifier.
  ///   - address: The seller's address.
  ///   - offers: What was sold, and when.
  ///   - terms: What else the seller gives.
  ///   - nowMs: The tangle's time.
  ///   - open: Opens sealed memos; nil for what cannot be opened, or claims no account.
  /// - Returns: What has changed.
  /// - Throws: `LedgerError`; then nothing has changed.
  public func record(
    _ page: PaymentPage, network: String, address: Address, offers: OfferHistory,
    terms: Terms = Terms(), nowMs: Int64,
    open: @escaping ([UInt8]) -> BuyerClaim? = { _ in nil }
  ) throws(LedgerError) -> Recorded {
    let versions = try offerVersions()
    var terms = terms
    terms.madeGoodSinceMs = terms.makesGood ? try bornAtMs() : nil
    let recorded = try write { [terms, isOutageOver] db in
      var recording = try Recording(
        db, offers: offers, versions: versions, terms: terms, nowMs: nowMs, open: open)
      for payment in page.payments { try recording.add(payment) }
      let recorded = try recording.finish()
      try Self.store(page.position, network: network, address: address, nowMs: nowMs, db)
      if isOutageOver { try Self.noteAlive(nowMs: nowMs, db) }
      return recorded
    }
    checkpoint(afterRecording: page.payments.count)
    return recorded
  }

  private static func state(of digest: String, _ db: Database) throws -> String? {
    try Prepared("SELECT state FROM payments WHERE digest = ?", db)
      .first(.text(digest)) { $0.text(0) }
  }

  private static func store(
    _ position: ReadingPosition, network: String, address: Address, nowMs: Int64, _ db: Database
  ) throws {
    try Prepared(
      """
      INSERT INTO sync VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET checkpoint = excluded.checkpoint, since_at = excluded.since_at,
        updated_at = excluded.updated_at
      """, db
    ).run(
      .text(network), .text(address.description), .init(position.checkpoint),
      .integer(position.sinceMs), .integer(nowMs))
  }
}

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
    }

    /// New payments, and pending ones that were confirmed, in their order.
    public var outcomes: [Outcome] = []
    /// The names of the accounts whose access may have changed from `nowMs` on.
    public var accounts: Set<Username> = []
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
  ///   - nowMs: The time, for the records.
  ///   - open: Opens sealed memos, as `Assignment.of` wants it.
  /// - Returns: What has changed.
  /// - Throws: `LedgerError`; then nothing has changed.
  public func record(
    _ page: PaymentPage, network: String, address: Address, offers: OfferHistory, nowMs: Int64,
    open: ([UInt8]) -> (account: Account, offer: [UInt8]?)? = { _ in nil }
  ) throws(LedgerError) -> Recorded {
    let versions = try offerVersions()
    return try write { db in
      var recorded = Recorded()
      var touched: [Purchase: [Fold.Known]] = [:]
      for payment in page.payments {
        let digest = payment.digest.description
        let state = try Self.state(of: digest, db)
        guard state == nil || state == "pending" && payment.checkpoint != nil else { continue }
        let judged = payment.rejection == nil ? payment.checkpoint : nil
        let assignment = judged.map {
          Assignment.of(payment, atMs: $0.timeMs, offers: offers, open: open)
        }
        try Self.insert(payment, digest: digest, assignment, nowMs: nowMs, db)
        recorded.outcomes.append(Recorded.Outcome(payment: payment, assignment: assignment))
        guard case .claimed(let account, let offer)? = assignment, let judged else { continue }
        try Self.ensure(account, nowMs: nowMs, db)
        touched[Purchase(account: account.username, offer: offer.name), default: []].append(
          Fold.Known(
            entry: .init(digest: payment.digest, checkpoint: judged, amount: payment.amount),
            digest: digest))
      }
      var bought: [Digest: Span] = [:]
      for (purchase, new) in touched {
        let fold = Fold(purchase: purchase, offers: offers, versions: versions, db: db)
        let counted = try fold.count(new)
        bought.merge(counted.bought) { $1 }
        if counted.lastEndMs ?? .min > nowMs { recorded.accounts.insert(purchase.account) }
      }
      for index in recorded.outcomes.indices {
        recorded.outcomes[index].bought = bought[recorded.outcomes[index].payment.digest]
      }
      try Self.store(page.position, network: network, address: address, nowMs: nowMs, db)
      return recorded
    }
  }

  private static func state(of digest: String, _ db: Database) throws -> String? {
    try Prepared("SELECT state FROM payments WHERE digest = ?", db)
      .first(.text(digest)) { $0.text(0) }
  }

  private static func insert(
    _ payment: Payment, digest: String, _ assignment: Assignment?, nowMs: Int64, _ db: Database
  ) throws {
    var state = payment.checkpoint == nil ? "pending" : "rejected"
    var reason = payment.rejection
    var account: String?
    var offer: String?
    switch assignment {
    case .claimed(let claimant, let sold):
      state = "confirmed"
      account = claimant.description
      offer = sold.name.description
    case .unclaimed(let why):
      state = "unclaimed"
      reason = why
    case nil: break
    }
    try Prepared(
      """
      INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (digest) DO UPDATE SET
        payer = excluded.payer, verified = excluded.verified, amount = excluded.amount,
        memo = excluded.memo, checkpoint = excluded.checkpoint, paid_at = excluded.paid_at,
        state = excluded.state, reason = excluded.reason, account = excluded.account,
        offer = excluded.offer
      """, db
    ).run(
      .text(digest), .init(payment.payer?.description),
      .integer(payment.isPayerVerified ? 1 : 0), .integer(payment.amount),
      .init(payment.memo.text), .init(payment.checkpoint?.sequence),
      .init(payment.checkpoint?.timeMs), .integer(nowMs), .text(state), .init(reason),
      .init(account), .init(offer))
  }

  private static func ensure(_ account: Account, nowMs: Int64, _ db: Database) throws {
    try Prepared("INSERT INTO accounts VALUES (?, ?, NULL, ?) ON CONFLICT DO NOTHING", db)
      .run(.text(account.description), .text(account.kind), .integer(nowMs))
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

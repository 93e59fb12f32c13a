import GRDB
public import PaywallCore

/// All in the ledger that decides what an account may read, and what could change that.
public struct AccountSituation: Sendable {
  /// A row of `grants` that makes sense.
  public struct Row: Hashable, Sendable {
    /// Its `id`.
    public var id: Int64
    /// The name of the offer.
    public var offer: [UInt8]
    /// What it gives or takes, and when.
    public var grant: Grant
    /// The row in `offers`; nil: every version of the offer.
    public var version: Int64?
    /// The payment that it is for.
    public var payment: String?
    /// Whether it was given before the payment's checkpoint.
    public var isProvisional: Bool
  }

  /// Every version of every offer, in the order of the configuration.
  public var offers: [Ledger.StoredOffer]
  /// The versions whose topics are sold, by their rows in `offers`.
  public var soldVersions: Set<Int64>
  /// When the account may read which version: (bought ∪ granted ∪ made good) − revoked.
  public var access: [Ledger.Access]
  /// Its rows of `grants`.
  public var rows: [Row]
  /// Rows that make no sense, and give nothing.
  public var flaws: [Flaw]
  /// What was paid and has bought nothing yet, by offer, in NANOS.
  public var credits: [[UInt8]: Nanos]
  /// Whether somebody has ever paid for the account.
  public var isKnown: Bool
  /// Whether it has a password that logs in: only ever a buyer.
  public var hasPassword: Bool
  /// Payments that are pending, or unclaimed and not assigned, and are from the account or name it;
  /// the newest of them.
  public var openPayments: [PaymentRecord]
}

extension LedgerReader {
  /// All that decides what an account may read.
  ///
  /// - Parameters:
  ///   - username: The account's name inside the broker; nil: of who is anonymous.
  ///   - nowMs: The time, in Unix milliseconds.
  /// - Returns: The situation.
  /// - Throws: `LedgerError`; `invalid` where an offer makes no sense.
  public func situation(
    of username: Username?, nowMs: Int64
  ) throws(LedgerError) -> AccountSituation {
    try read { db in
      let offers = try Ledger.storedOffers(db, path: path)
      let versions = OfferVersions(offers)
      var situation = AccountSituation(
        offers: offers, soldVersions: try Ledger.soldVersions(nowMs: nowMs, db), access: [],
        rows: [], flaws: [], credits: [:], isKnown: false, hasPassword: false, openPayments: [])
      guard let username, let account = Account(username: username) else { return situation }
      let name = Prepared.Value.bytes(account.username)
      (situation.access, situation.flaws) = try Ledger.access(
        of: account.username, endingAfterMs: nowMs, versions, db)
      situation.rows = try Self.rows(of: name, versions, db)
      situation.credits = try Self.credits(of: name, db)
      try Prepared("SELECT password_hash IS NOT NULL FROM accounts WHERE username = ?", db)
        .forEach(name) { row in
          situation.isKnown = true
          situation.hasPassword = row.integer(0) == 1
          return true
        }
      situation.openPayments = try Self.openPayments(of: account, db)
      return situation
    }
  }

  private static func rows(
    of account: Prepared.Value, _ versions: OfferVersions, _ db: Database
  ) throws -> [AccountSituation.Row] {
    var rows: [AccountSituation.Row] = []
    let statement = try Prepared(
      """
      SELECT \(GrantRow.columns), payment, note IS '\(Schema.provisionalNote)'
      FROM grants WHERE account = ? ORDER BY starts_at, id
      """, db)
    try statement.forEach(account) { row in
      guard let grant = try? GrantRow(row, versions) else { return true }
      rows.append(
        AccountSituation.Row(
          id: grant.id, offer: grant.offer, grant: grant.grant, version: grant.version,
          payment: row.shownText(7), isProvisional: row.integer(8) == 1))
      return true
    }
    return rows
  }

  private static func credits(
    of account: Prepared.Value, _ db: Database
  ) throws -> [[UInt8]: Nanos] {
    var credits: [[UInt8]: Nanos] = [:]
    let statement = try Prepared("SELECT offer, nanos FROM credits WHERE account = ?", db)
    try statement.forEach(account) { row in
      if let offer = row.bytes(0), let nanos = row.integer(1), nanos > 0 { credits[offer] = nanos }
      return true
    }
    return credits
  }

  /// How many payments are told at most.
  private static var openLimit: Int { 10 }

  /// What counts for nobody has no account, by which an index finds it.
  ///
  /// A sealed memo names the account
  /// where it was opened, and has its password.
  private static func openPayments(
    of account: Account, _ db: Database
  ) throws -> [PaymentRecord] {
    var payments: [PaymentRecord] = []
    let statement = try Prepared(
      """
      SELECT \(PaymentRecord.columns), EXISTS (
        SELECT 1 FROM claims c JOIN claims f ON f.username = c.username AND f.is_first = 1
        WHERE c.payment = payments.digest AND c.username = ? AND c.password_hash = f.password_hash)
      FROM payments
      WHERE account IS NULL AND state IN ('unclaimed', 'pending') ORDER BY rowid DESC
      """, db)
    try statement.forEach(.bytes(account.username)) { row in
      let payment = PaymentRecord(row)
      let isOwn = row.integer(PaymentRecord.columnCount) == 1 || payment.concerns(account)
      if payment.assignedTo == nil, isOwn { payments.append(payment) }
      return payments.count < openLimit
    }
    return payments
  }
}

extension PaymentRecord {
  /// The memo as it was judged; where the transaction held several, the first.
  var readMemo: Memo.Content {
    for line in (memo ?? "").split(separator: "\n") {
      let content = Memo.read(pureInputs: [Array(line.utf8)]).content
      if content != .none { return content }
    }
    return .none
  }

  /// Whether it is from an account's wallet, or its memo names the account.
  fileprivate func concerns(_ account: Account) -> Bool {
    if case .wallet(let address) = account, payer.flatMap({ Address($0) }) == address {
      return true
    }
    guard case .plain(let username, _) = readMemo else { return false }
    // Whoever forgot `buyer:` meant the buyer, and the other way round.
    switch (account, Account(username: username)) {
    case (.broker(let name), .broker(let named)?), (.buyer(let name), .buyer(let named)?),
      (.broker(let name), .buyer(let named)?), (.buyer(let name), .broker(let named)?):
      return name == named
    case (let account, let named?): return account == named
    case (_, nil): return false
    }
  }
}

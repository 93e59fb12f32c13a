import GRDB
import PaywallCore

/// A page of payments on its way into the ledger, within one transaction.
struct Recording {
  let db: Database
  let statements: Statements
  let offers: OfferHistory
  let versions: OfferVersions
  let terms: Ledger.Terms
  let nowMs: Int64
  private let claims: Claims
  private(set) var recorded = Ledger.Recorded()
  private var new: [Purchase: New] = [:]
  /// Purchases that are counted anew as a whole, for payments were judged anew.
  private var recounted: Set<Purchase> = []
  /// Payments of earlier pages that count for somebody else now, and all purchases they touch.
  private var moved: Set<Digest> = []
  private var unsettled: Set<Purchase> = []
  /// Whether any payment waits for its checkpoint, and whether any time that was made good still runs.
  private let arePending: Bool
  private let isMadeGoodRunning: Bool

  /// What is new of a purchase.
  private struct New {
    let account: Account
    var payments: [Fold.Known] = []
  }

  init(
    _ db: Database, offers: OfferHistory, versions: OfferVersions, terms: Ledger.Terms,
    nowMs: Int64, open: @escaping ([UInt8]) -> BuyerClaim?
  ) throws {
    self.db = db
    self.offers = offers
    self.versions = versions
    self.terms = terms
    self.nowMs = nowMs
    claims = Claims(offers: offers, open: open, db: db)
    statements = try Statements(db)
    arePending =
      try Prepared("SELECT 1 FROM payments WHERE state = 'pending' LIMIT 1", db)
      .first { $0.integer(0) } != nil
    isMadeGoodRunning =
      try Prepared("SELECT 1 FROM grants WHERE kind = 'made_good' AND ends_at > ? LIMIT 1", db)
      .first(.integer(nowMs)) { $0.integer(0) } != nil
  }

  /// Adds a payment, unless it is there already.
  mutating func add(_ payment: Payment) throws {
    let digest = payment.digest.description
    let judged = payment.rejection == nil ? payment.checkpoint : nil
    let claim = try judged.flatMap { try claims.claim(of: payment, in: $0) }
    let assignment = judged.map {
      Assignment.of(payment, atMs: $0.timeMs, offers: offers) { _ in claim?.opened }
    }
    guard try insert(payment, digest, assignment) else { return }
    if let claim { try note(claim, of: digest) }
    var outcome = Ledger.Recorded.Outcome(payment: payment, assignment: assignment)
    if payment.checkpoint == nil {
      outcome.provisional = try grantProvisionally(payment, digest)
    } else if arePending {
      try endProvisional(digest, atMs: max(nowMs, judged?.timeMs ?? nowMs))
    }
    recorded.outcomes.append(outcome)
    guard case .claimed(let account, let offer)? = assignment, let judged else { return }
    let purchase = Purchase(account: account.username, offer: offer.name)
    new[purchase, default: New(account: account)].payments.append(
      Fold.Known(
        entry: .init(digest: payment.digest, checkpoint: judged, amount: payment.amount),
        digest: digest))
  }

  /// Notes a claim; where it is the first now, all later ones are judged anew.
  private mutating func note(_ claim: Claims.Claim, of digest: String) throws {
    let moves = try claims.note(claim, of: digest)
    // With the former one's password it is the same owner, whom the seller may have locked out.
    if claim.isFirst, claim.formerHash != claim.passwordHash { try give(claim) }
    for move in moves { try take(move) }
  }

  /// Lets the owner of a name in, and its former owner no more.
  private mutating func give(_ claim: Claims.Claim) throws {
    let account = Prepared.Value.bytes(Account.buyer(claim.name).username)
    // The seller may have written another one.
    let written = try Prepared("SELECT password_hash FROM accounts WHERE username = ?", db)
      .first(account) { $0.hash(0) }
    for former in Set([claim.formerHash, written].compactMap(\.self)) {
      recorded.logins.append(Ledger.Login(name: claim.name, passwordHash: former, isValid: false))
    }
    recorded.logins.append(
      Ledger.Login(name: claim.name, passwordHash: claim.passwordHash, isValid: true))
    try statements.insertBuyer.run(
      account, .text(Hex.encode(claim.passwordHash.bytes)), .integer(nowMs))
  }

  /// Has a payment that was counted before count for somebody else.
  private mutating func take(_ move: Claims.Moved) throws {
    let digest = move.payment.digest
    let told = recorded.outcomes.firstIndex { $0.payment.digest == digest }
    if let told {
      recorded.outcomes[told].assignment = move.after
    } else {
      moved.insert(digest)
      recorded.outcomes.append(
        Ledger.Recorded.Outcome(payment: move.payment, assignment: move.after))
    }
    for assignment in [move.before, move.after] {
      guard case .claimed(let account, let offer)? = assignment else { continue }
      let purchase = Purchase(account: account.username, offer: offer.name)
      recounted.insert(purchase)
      if moved.contains(digest) { unsettled.insert(purchase) }
      try fold(purchase).remove(digest.description)
      try statements.insertAccount.run(
        .bytes(account.username), .text(account.kind), .integer(nowMs))
    }
    // What was made good of it was somebody else's.
    try Prepared(
      """
      UPDATE grants SET ends_at = max(starts_at, ?)
      WHERE payment = ? AND kind = 'made_good' AND ends_at > ?
      """, db
    ).run(.integer(nowMs), .text(digest.description), .integer(nowMs))
  }

  /// Counts what was added.
  mutating func finish() throws -> Ledger.Recorded {
    var bought: [Digest: Span] = [:]
    var madeGood: [Digest: Span] = [:]
    recorded.accounts.formUnion(recounted.map(\.account))
    let added = Set(recorded.outcomes.map(\.payment.digest)).subtracting(moved)
    // In the order of the indexes: neighbours are on one page.
    for purchase in recounted.union(new.keys).sorted() {
      if let account = new[purchase]?.account {
        try statements.insertAccount.run(
          .bytes(purchase.account), .text(account.kind), .integer(nowMs))
      }
      let changes = try changes(of: purchase)
      for change in changes {
        bought[change.payment.entry.digest] = change.after
        if max(change.before?.endsAtMs ?? .min, change.after?.endsAtMs ?? .min) > nowMs {
          recorded.accounts.insert(purchase.account)
        }
      }
      let loss = Loss(purchase: purchase, versions: versions, nowMs: nowMs, db: db)
      if isMadeGoodRunning, try loss.putBehind(changes.compactMap(\.after)) {
        recorded.accounts.insert(purchase.account)
      }
      guard let sinceMs = terms.madeGoodSinceMs else { continue }
      // What has moved was not lost, for somebody had it; nor was what it has brought forward.
      let own = changes.filter { !moved.contains($0.payment.entry.digest) }
      let given = try loss.makeGood(
        own, paidSinceMs: sinceMs, only: unsettled.contains(purchase) ? added : nil)
      if !given.isEmpty { recorded.accounts.insert(purchase.account) }
      madeGood.merge(given) { $1 }
    }
    try forgetUnpaid()
    for index in recorded.outcomes.indices {
      let digest = recorded.outcomes[index].payment.digest
      recorded.outcomes[index].bought = bought[digest]
      recorded.outcomes[index].madeGood = madeGood[digest]
    }
    return recorded
  }

  /// Removes accounts of wallets that would not be there if the payments had come in their order.
  private func forgetUnpaid() throws {
    for account in Set(recounted.map(\.account)) {
      try Prepared(
        """
        DELETE FROM accounts WHERE username = ?1 AND kind = 'wallet'
          AND NOT EXISTS (SELECT 1 FROM payments WHERE account = ?1)
        """, db
      ).run(.bytes(account))
    }
  }

  private func changes(of purchase: Purchase) throws -> [Fold.Change] {
    recounted.contains(purchase)
      ? try fold(purchase).recount() : try fold(purchase).count(new[purchase]?.payments ?? [])
  }

  private func fold(_ purchase: Purchase) -> Fold {
    Fold(purchase, offers, versions, statements, db)
  }

  private func insert(
    _ payment: Payment, _ digest: String, _ assignment: Assignment?
  ) throws -> Bool {
    var state = payment.checkpoint == nil ? "pending" : "rejected"
    var reason = payment.rejection
    var account = Prepared.Value.null
    var offer = Prepared.Value.null
    switch assignment {
    case .claimed(let claimant, let sold):
      state = "confirmed"
      account = .bytes(claimant.username)
      offer = .bytes(sold.name.bytes)
    case .unclaimed(let why):
      state = "unclaimed"
      reason = why
    case nil: break
    }
    try statements.insertPayment.run(
      .text(digest), .init(payment.payer?.description),
      .integer(payment.isPayerVerified ? 1 : 0), .integer(payment.amount),
      .init(payment.memo.text), .init(payment.checkpoint?.sequence),
      .init(payment.checkpoint?.timeMs), .integer(nowMs), .text(state), .init(reason),
      account, offer)
    return db.changesCount > 0
  }

  // MARK: - Provisional access

  /// Gives access for a payment that is in no checkpoint yet: once, for it is new in `payments`.
  ///
  /// It is a grant of its own, which bought time does not count.
  private mutating func grantProvisionally(_ payment: Payment, _ digest: String) throws -> Span? {
    // What moves nothing will be no payment, though there may be credit that is worth time by now.
    guard terms.provisionalMs > 0, payment.isPayerVerified, payment.rejection == nil,
      payment.amount > 0
    else { return nil }
    // Whose a new name becomes is known once the payment is in a checkpoint.
    let claim = claims.opened(payment)
    if case .sealed = payment.memo.content {
      guard let claim, try claims.isHeard(claim) else { return nil }
    }
    guard
      case .claimed(let account, let offer) = Assignment.of(
        payment, atMs: nowMs, offers: offers, open: { _ in claim.map { ($0.account, $0.offer) } }),
      let version = versions.row(of: offer)
    else { return nil }
    let credit = try fold(Purchase(account: account.username, offer: offer.name)).state().credit
    let (sum, overflow) = credit.addingReportingOverflow(payment.amount)
    let boughtMs = offer.boughtMs(for: overflow ? .max : sum)
    guard boughtMs > 0, boughtMs >= offer.minimumMs else { return nil }
    let (end, isEndless) = nowMs.addingReportingOverflow(min(boughtMs, terms.provisionalMs))
    let span = Span(startsAtMs: nowMs, endsAtMs: isEndless ? .max : end)
    try Prepared(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version, note)
      VALUES (?, ?, 'granted', ?, ?, ?, ?, ?)
      """, db
    ).run(
      .bytes(account.username), .bytes(offer.name.bytes), .integer(span.startsAtMs),
      .integer(span.endsAtMs), .text(digest), .integer(version), .text(Schema.provisionalNote))
    recorded.accounts.insert(account.username)
    return span
  }

  /// Takes back what is left of provisional access, once it is known what the payment buys.
  private mutating func endProvisional(_ digest: String, atMs timeMs: Int64) throws {
    let row = try Prepared(
      """
      SELECT id, account FROM grants
      WHERE payment = ? AND kind = 'granted' AND note = ? AND ends_at > ?
      """, db
    ).first(.text(digest), .text(Schema.provisionalNote), .integer(timeMs)) { row in
      row.integer(0).flatMap { id in row.bytes(1).map { (id: id, account: $0) } }
    }
    guard let row else { return }
    try Prepared("UPDATE grants SET ends_at = max(starts_at, ?) WHERE id = ?", db)
      .run(.integer(timeMs), .integer(row.id))
    recorded.accounts.insert(row.account)
  }
}

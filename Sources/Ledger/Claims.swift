import GRDB
import PaywallCore

/// Claims to buyers' accounts, within one transaction: who has a name is decided by the order of
/// payments alone, whenever each of them becomes known.
///
/// A claim counts whatever its payment buys, also where its offer is unknown: else a name could change
/// hands when the seller assigns a payment.
struct Claims {
  let offers: OfferHistory
  /// Opens sealed memos.
  let open: ([UInt8]) -> BuyerClaim?
  let db: Database

  /// A claim, and whether it is heard.
  struct Claim {
    var name: Name
    var passwordHash: Bytes32
    var offer: [UInt8]?
    /// Whether no other claim to the name comes before it.
    var isFirst: Bool
    /// The hash of the claim that was the first until now.
    var formerHash: Bytes32?
    /// Whether it is the first, or has the first one's password.
    var isHeard: Bool

    /// What the payment is for, as `Assignment.of` wants it.
    var opened: (account: Account?, offer: [UInt8]?) {
      (isHeard ? .buyer(name) : nil, offer)
    }
  }

  /// A payment that was judged before, and is judged otherwise now.
  struct Moved {
    var payment: Payment
    /// Nil where it counted for nobody.
    var before: Assignment?
    var after: Assignment
  }

  private struct First {
    var passwordHash: Bytes32
    var checkpoint: Int64
    var digest: Digest
  }

  // MARK: - New payments

  /// The claim that a payment's memo holds, judged by all others that are known; nil where it holds
  /// none.
  func claim(of payment: Payment, in checkpoint: Checkpoint) throws -> Claim? {
    guard let claim = opened(payment) else { return nil }
    guard let first = try first(for: claim.account) else {
      return Claim(claim, isFirst: true, formerHash: nil, isHeard: true)
    }
    let isFirst =
      (checkpoint.sequence, payment.digest) < (first.checkpoint, first.digest)
    return Claim(
      claim, isFirst: isFirst, formerHash: isFirst ? first.passwordHash : nil,
      isHeard: isFirst || claim.passwordHash == first.passwordHash)
  }

  /// Whether a claim is heard that makes no account.
  func isHeard(_ claim: BuyerClaim) throws -> Bool {
    try first(for: claim.account)?.passwordHash == claim.passwordHash
  }

  /// The claim that a payment's memo holds; nil where it holds none.
  func opened(_ payment: Payment) -> BuyerClaim? {
    guard case .sealed(let memo) = payment.memo.content else { return nil }
    return open(memo)
  }

  private func first(for account: Account) throws -> First? {
    try Prepared(
      """
      SELECT claims.password_hash, payments.checkpoint, payments.digest
      FROM claims JOIN payments ON payments.digest = claims.payment
      WHERE username = ? AND is_first = 1
      """, db
    ).first(.bytes(account.username)) { row in
      guard let hash = row.hash(0), let checkpoint = row.integer(1),
        let digest = row.text(2).flatMap({ Digest($0) })
      else {
        // A row that somebody made nonsense of gives the name to nobody else.
        return First(passwordHash: .zero, checkpoint: .min, digest: Digest(.zero))
      }
      return First(passwordHash: hash, checkpoint: checkpoint, digest: digest)
    }
  }

  // MARK: - Noting

  /// Notes a claim of a payment that is in `payments`.
  ///
  /// - Returns: What counts for somebody else now.
  func note(_ claim: Claim, of payment: String) throws -> [Moved] {
    let username = Prepared.Value.bytes(Account.buyer(claim.name).username)
    if claim.isFirst {
      try Prepared("UPDATE claims SET is_first = 0 WHERE username = ? AND is_first = 1", db)
        .run(username)
    }
    try Prepared("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", db).run(
      .text(payment), username, .text(Hex.encode(claim.passwordHash.bytes)),
      claim.offer.map { .bytes($0) } ?? .null, .integer(claim.isFirst ? 1 : 0))
    guard claim.isFirst, let former = claim.formerHash, former != claim.passwordHash else {
      return []
    }
    return try judgeAnew(claim, former, but: payment)
  }

  /// Judges anew the payments that claim a name by the password of its former owner or of the new
  /// one; those by any other were not heard, and are not now.
  private func judgeAnew(
    _ first: Claim, _ formerHash: Bytes32, but payment: String
  ) throws -> [Moved] {
    var moved: [Moved] = []
    let statement = try Prepared(
      """
      SELECT digest, payer, verified, amount, checkpoint, paid_at, account, payments.offer, reason,
        claims.password_hash, claims.offer
      FROM claims JOIN payments ON payments.digest = claims.payment
      WHERE username = ? AND claims.payment <> ? AND claims.password_hash IN (?, ?)
      """, db)
    try statement.forEach(
      .bytes(Account.buyer(first.name).username), .text(payment),
      .text(Hex.encode(formerHash.bytes)), .text(Hex.encode(first.passwordHash.bytes))
    ) { row in
      if let move = judge(row, first) { moved.append(move) }
      return true
    }
    for move in moved { try store(move) }
    return moved
  }

  private func judge(_ row: Prepared, _ first: Claim) -> Moved? {
    guard let digest = row.text(0).flatMap({ Digest($0) }), let amount = row.integer(3),
      let sequence = row.integer(4), let timeMs = row.integer(5)
    else { return nil }
    // The memo itself is not needed: what was in it stands beside.
    let payment = Payment(
      digest: digest, payer: row.text(1).flatMap { Address($0) },
      isPayerVerified: row.integer(2) == 1, amount: amount,
      memo: Memo(content: .sealed([]), text: nil),
      checkpoint: Checkpoint(sequence: sequence, timeMs: timeMs))
    let isHeard = row.hash(9) == first.passwordHash
    let after = Assignment.of(payment, atMs: timeMs, offers: offers) { _ in
      (isHeard ? .buyer(first.name) : nil, row.bytes(10))
    }
    let before = assignment(row, atMs: timeMs)
    return before == after ? nil : Moved(payment: payment, before: before, after: after)
  }

  /// What a row of `payments` says now.
  private func assignment(_ row: Prepared, atMs timeMs: Int64) -> Assignment? {
    guard let account = row.bytes(6).flatMap({ Account(username: $0) }),
      let offer = row.bytes(7).flatMap({ Name($0) }).flatMap({
        offers.offer(named: $0, atMs: timeMs)
      })
    else { return row.text(8).map { .unclaimed($0) } }
    return .claimed(account, offer)
  }

  private func store(_ move: Moved) throws {
    let update = try Prepared(
      "UPDATE payments SET state = ?, reason = ?, account = ?, offer = ? WHERE digest = ?", db)
    let digest = Prepared.Value.text(move.payment.digest.description)
    switch move.after {
    case .claimed(let account, let offer):
      try update.run(
        .text("confirmed"), .null, .bytes(account.username), .bytes(offer.name.bytes), digest)
    case .unclaimed(let reason):
      try update.run(.text("unclaimed"), .text(reason), .null, .null, digest)
    }
  }
}

extension Claims.Claim {
  fileprivate init(
    _ claim: BuyerClaim, isFirst: Bool, formerHash: Bytes32?, isHeard: Bool
  ) {
    name = claim.name
    passwordHash = claim.passwordHash
    offer = claim.offer
    self.isFirst = isFirst
    self.formerHash = formerHash
    self.isHeard = isHeard
  }
}

extension Prepared {
  /// A hash in hexadecimal digits; nil for anything else.
  func hash(_ column: Int32) -> Bytes32? {
    text(column).flatMap { Hex.decode($0) }.flatMap { Bytes32($0) }
  }
}

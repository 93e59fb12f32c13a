import GRDB

/// What recording asks and writes for each payment, looked up once for a page.
struct Statements {
  /// Adds a payment, or makes a pending one final; changes nothing where it is final already.
  let insertPayment: Prepared
  let insertAccount: Prepared
  /// Adds a buyer's account, or gives it another password.
  let insertBuyer: Prepared
  let insertBought: Prepared
  /// Of an account and an offer: how many payments there are from a checkpoint on, counted up to a
  /// limit, the credit, and when all ends that was bought.
  let standing: Prepared

  init(_ db: Database) throws {
    insertPayment = try Prepared(
      """
      INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (digest) DO UPDATE SET
        payer = excluded.payer, verified = excluded.verified, amount = excluded.amount,
        memo = excluded.memo, checkpoint = excluded.checkpoint, paid_at = excluded.paid_at,
        state = excluded.state, reason = excluded.reason, account = excluded.account,
        offer = excluded.offer
        WHERE state = 'pending' AND excluded.checkpoint IS NOT NULL
      """, db)
    insertAccount = try Prepared(
      "INSERT INTO accounts VALUES (?, ?, NULL, ?) ON CONFLICT DO NOTHING", db)
    insertBuyer = try Prepared(
      """
      INSERT INTO accounts VALUES (?, 'buyer', ?, ?)
      ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash
      """, db)
    insertBought = try Prepared(
      """
      INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version)
      VALUES (?, ?, 'bought', ?, ?, ?, ?)
      """, db)
    standing = try Prepared(
      """
      SELECT
        (SELECT count(*) FROM (
          SELECT 1 FROM payments
          WHERE account = ?1 AND offer = ?2 AND checkpoint >= ?3 LIMIT ?4)),
        (SELECT nanos FROM credits WHERE account = ?1 AND offer = ?2),
        (SELECT ends_at FROM grants WHERE account = ?1 AND offer = ?2 AND kind = 'bought'
          ORDER BY ends_at DESC LIMIT 1)
      """, db)
  }
}

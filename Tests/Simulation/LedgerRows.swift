import GRDB

@testable import Ledger

/// A row of `grants`, as it is in the file.
struct LedgerGrant {
  var id: Int64
  var account: String
  var offer: String
  var kind: String
  var startsAtMs: Int64
  var endsAtMs: Int64
  var payment: String?

  var key: String { "\(account)|\(offer)" }

  fileprivate var order: (Int64, Int64, String, String, String, String) {
    (startsAtMs, endsAtMs, account, offer, kind, payment ?? "")
  }
}

/// What a ledger holds.
struct LedgerRows {
  var payments: Set<String> = []
  var pending: Set<String> = []
  var credits: Set<String> = []
  var grants: [LedgerGrant] = []

  var bought: [String] {
    grants.filter { $0.kind == "bought" }.map {
      "\($0.account)|\($0.offer)|\($0.startsAtMs)|\($0.endsAtMs)|\($0.payment ?? "")"
    }.sorted()
  }

  /// What is made good, by the terms of all versions.
  var madeGood: [PlainAccess.Given] {
    grants.filter { $0.kind == "made_good" }.map {
      PlainAccess.Given(
        account: $0.account, offer: $0.offer, version: nil, startsAtMs: $0.startsAtMs,
        endsAtMs: $0.endsAtMs)
    }
  }

  init(_ ledger: Ledger) throws {
    let sql = """
      SELECT 'P', digest, amount, state, ifnull(account, ''), ifnull(offer, ''), NULL
      FROM payments
      UNION ALL SELECT 'C', account, offer, nanos, NULL, NULL, NULL FROM credits
      UNION ALL SELECT kind, account, offer, starts_at, ends_at, payment, id FROM grants
      """
    (payments, pending, credits, grants) = try ledger.read { db in
      var payments: Set<String> = []
      var pending: Set<String> = []
      var credits: Set<String> = []
      var grants: [LedgerGrant] = []
      let rows = try Row.fetchCursor(db.cachedStatement(sql: sql))
      while let row = try rows.next() {
        let kind: String = row[0]
        let first: String = row[1]
        switch kind {
        case "P":
          let (amount, state): (Int64, String) = (row[2], row[3])
          if state == "pending" {
            pending.insert(first)
          } else {
            payments.insert("\(first)|\(amount)|\(state)|\(row[4] as String)|\(row[5] as String)")
          }
        case "C": credits.insert("\(first)|\(row[2] as String)|\(row[3] as Int64)")
        default:
          grants.append(
            LedgerGrant(
              id: row[6], account: first, offer: row[2], kind: kind, startsAtMs: row[3],
              endsAtMs: row[4], payment: row[5]))
        }
      }
      // In an order of their own: the ledger's is that of sets.
      grants.sort { $0.order < $1.order }
      return (payments, pending, credits, grants)
    }
  }
}

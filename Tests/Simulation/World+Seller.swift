import GRDB
import PaywallCore

/// The seller writes into the ledger by SQL.
extension World {
  func administer() throws {
    guard let admin, let plugin, fault != .locked else { return }
    for _ in 1...number(1...3) { try write(nowMs: plugin.nowMs(time), admin) }
  }

  private func write(nowMs: Int64, _ admin: DatabaseQueue) throws {
    switch number(0...5) {
    case 0, 1, 2:
      let (given, version) = try anyTime(nowMs: nowMs, admin)
      let kind = chance(2) ? "granted" : "revoked"
      let row = try admin.inDatabase { db in
        try db.execute(
          sql: """
            INSERT INTO grants (account, offer, kind, starts_at, ends_at, version)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            given.account, given.offer, kind, given.startsAtMs, given.endsAtMs, version,
          ])
        return db.lastInsertedRowID
      }
      if kind == "granted" { granted[row] = given } else { revoked[row] = given }
      account.unclear.insert(given.account)
      say("\(kind): \(given)")
    case 3:
      guard let row = anyRow() else { return }
      try admin.inDatabase {
        try $0.execute(sql: "DELETE FROM grants WHERE id = ?", arguments: [row])
      }
      let deleted = granted.removeValue(forKey: row) ?? revoked.removeValue(forKey: row)
      say("deleted: \(deleted.map { "\($0)" } ?? "nothing")")
    case 4:
      guard let row = anyRow() else { return }
      try change(row, to: anyTime(nowMs: nowMs, admin), admin)
    default: try changePassword(admin)
    }
  }

  /// One of the rows that the seller has written.
  private func anyRow() -> Int64? {
    (granted.keys.sorted() + revoked.keys.sorted()).randomElement(using: &random)
  }

  /// Time about now of some account and offer, by the terms of all its versions or of one.
  private func anyTime(
    nowMs: Int64, _ admin: DatabaseQueue
  ) throws -> (given: PlainAccess.Given, version: Int64?) {
    var version = pick(offers.versions)
    var account = pick(Self.accounts.compactMap(\.self))
    // Whoever has time, or was denied some, concerns the seller more than others.
    let concerned = (lastAccess?.given ?? []) + (lastAccess?.revoked ?? [])
    if chance(2), let one = concerned.randomElement(using: &random) {
      account = one.account
      version = offers.versions.filter { $0.terms.name == one.offer }.last ?? version
    }
    let startMs = nowMs + Int64(pick([0, 0, number(-60_000...60_000)]))
    var given = PlainAccess.Given(
      account: account, offer: version.terms.name, version: nil, startsAtMs: startMs,
      endsAtMs: startMs + Int64(pick([number(1...20_000), number(1...600_000)])))
    guard chance(4), version.fromMs <= nowMs else { return (given, nil) }
    let row = try admin.inDatabase { db in
      try Int64.fetchOne(
        db, sql: "SELECT id FROM offers WHERE name = ? AND valid_from_at = ?",
        arguments: [version.terms.name, version.fromMs])
    }
    if row != nil { given.version = version }
    return (given, row)
  }

  /// Makes something else of a row, in one of the ways that SQL has.
  private func change(
    _ row: Int64, to other: (given: PlainAccess.Given, version: Int64?), _ admin: DatabaseQueue
  ) throws {
    let kind = granted[row] == nil ? "revoked" : "granted"
    let given = other.given
    let sql =
      chance(2)
      ? """
      INSERT OR REPLACE INTO grants (account, offer, kind, starts_at, ends_at, version, id)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """
      : """
      UPDATE grants SET account = ?, offer = ?, kind = ?, starts_at = ?, ends_at = ?, version = ?
      WHERE id = ?
      """
    try admin.inDatabase {
      try $0.execute(
        sql: sql,
        arguments: [
          given.account, given.offer, kind, given.startsAtMs, given.endsAtMs, other.version, row,
        ])
    }
    if kind == "granted" { granted[row] = given } else { revoked[row] = given }
    account.unclear.insert(given.account)
    say("changed, \(kind): \(given)")
  }

  private func changePassword(_ admin: DatabaseQueue) throws {
    guard let name = passwords.keys.sorted().randomElement(using: &random) else { return }
    let password = pick(["z", "q", nil])
    let hash = password.flatMap { password in
      Name(name).map { Hex.encode(PlainTransaction.hash($0, Array(password.utf8)).bytes) }
    }
    try admin.inDatabase {
      try $0.execute(
        sql: "UPDATE accounts SET password_hash = ? WHERE username = ?",
        arguments: [hash, "buyer:\(name)"])
    }
    passwords[name] = .some(password)
    say("\(name) has the password \(password ?? "of nobody")")
  }
}

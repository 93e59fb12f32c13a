import Foundation
import GRDB
public import PaywallCore

extension Ledger {
  /// A version of an offer, with the number of its row.
  public struct StoredOffer: Hashable, Sendable {
    /// The row in `offers`.
    public var id: Int64
    /// The version.
    public var offer: Offer
  }

  /// Takes over the offers of the configuration.
  ///
  /// - Parameters:
  ///   - entries: The offers, in the order of the configuration.
  ///   - nowMs: The tangle's time.
  ///   - firstFromMs: From when the first offers of the ledger hold. Where that is earlier than it
  ///     was, payments from there on count too.
  /// - Returns: Every version that was ever in force.
  /// - Throws: `OfferHistoryError` where the past would change, else `LedgerError`; `invalid` where
  ///   payments that the first offers would then have sold were counted without them.
  public func apply(
    offers entries: [OfferEntry], nowMs: Int64, firstFromMs: Int64
  ) throws -> OfferHistory {
    let plan = try OfferPlan(entries, nowMs: nowMs, firstFromMs: firstFromMs, connection)
    let history = plan.history
    // Nothing to write, then, while an admin's shell may hold a lock.
    guard history != plan.stored else { return history }
    let versions = history.versions
    let offersFromMs = min(firstFromMs, plan.formerMs)
    knownVersions = nil
    try write { [isOutageOver] db in
      if isOutageOver { try Self.noteAlive(nowMs: nowMs, db) }
      try db.execute(
        sql: "INSERT OR REPLACE INTO meta VALUES ('offers_from', ?)",
        arguments: ["\(offersFromMs)"])
      for offer in plan.moved {
        try db.execute(
          sql: "UPDATE offers SET valid_from_at = ? WHERE name = ? AND valid_from_at = ?",
          arguments: [firstFromMs, offer.name.description, plan.formerMs])
      }
      // Versions that never came into force may vanish again.
      try db.execute(
        sql: """
          DELETE FROM offers WHERE valid_from_at > ?
            AND NOT EXISTS (SELECT 1 FROM grants WHERE version = offers.id AND kind <> 'revoked')
          """, arguments: [nowMs])
      for (position, offer) in versions.enumerated() {
        try Self.store(offer, position: position, db)
      }
    }
    return history
  }

  /// Until when it is settled what was sold, in Unix milliseconds of the tangle's time: until the
  /// newest payment, and the newest change of offers at which the broker is known to have run.
  ///
  /// A clock that is behind must not undo any of it.
  ///
  /// - Returns: The time; nil where nothing is settled yet.
  /// - Throws: `LedgerError`.
  public func settledUntilMs() throws(LedgerError) -> Int64? {
    let changedMs = try read { db in
      try Prepared(
        """
        SELECT max(at) FROM (
          SELECT valid_from_at AS at FROM offers UNION ALL SELECT valid_until_at FROM offers)
        WHERE at <= ?
        """, db
      ).first(.integer(Self.lastAlive(db) ?? .min)) { $0.integer(0) }
    }
    guard let paidMs = try newestPaidAtMs() else { return changedMs }
    return max(paidMs, changedMs ?? paidMs)
  }

  /// Every version of every offer, in the order of the configuration.
  ///
  /// - Throws: `LedgerError`; `invalid` where a row makes no sense: a topic that nobody knows to be
  ///   sold would be free.
  public func storedOffers() throws(LedgerError) -> [StoredOffer] {
    try read { try Self.storedOffers($0, path: path) }
  }

  static func storedOffers(_ db: Database, path: String) throws -> [StoredOffer] {
    var offers: [StoredOffer] = []
    let statement = try Prepared(
      """
      SELECT id, name, topics, price, per_ms, minimum_ms, clients, valid_from_at, valid_until_at
      FROM offers ORDER BY position, valid_from_at
      """, db)
    try statement.forEach { row in
      let id = row.integer(0) ?? 0
      guard let offer = Self.offer(row) else {
        throw LedgerError(
          code: .invalid, path: path,
          reason: "offers row \(id) makes no sense (name, topics as a JSON array of topic "
            + "filters, price, times); correct it, or restore a backup")
      }
      offers.append(StoredOffer(id: id, offer: offer))
      return true
    }
    return offers
  }

  /// The versions whose topics are sold: in force now or later, or with time sold that still runs.
  ///
  /// - Parameter nowMs: The tangle's time.
  /// - Returns: Rows in `offers`.
  /// - Throws: `LedgerError`.
  public func soldVersions(nowMs: Int64) throws(LedgerError) -> Set<Int64> {
    try read { try Self.soldVersions(nowMs: nowMs, $0) }
  }

  static func soldVersions(nowMs: Int64, _ db: Database) throws -> Set<Int64> {
    var ids: Set<Int64> = []
    let statement = try Prepared(
      """
      SELECT id FROM offers WHERE valid_until_at IS NULL OR valid_until_at > ?1
        OR EXISTS (SELECT 1 FROM grants
          WHERE version = offers.id AND kind <> 'revoked' AND ends_at > ?1)
        OR EXISTS (SELECT 1 FROM grants
          WHERE version IS NULL AND offer = offers.name AND kind <> 'revoked' AND ends_at > ?1)
      """, db)
    try statement.forEach(.integer(nowMs)) { row in
      if let id = row.integer(0) { ids.insert(id) }
      return true
    }
    return ids
  }

  /// The same versions in full.
  ///
  /// - Parameter nowMs: The tangle's time.
  /// - Returns: The versions, in the order of the configuration.
  /// - Throws: `LedgerError`, as `storedOffers` does.
  public func soldOffers(nowMs: Int64) throws(LedgerError) -> [StoredOffer] {
    let ids = try soldVersions(nowMs: nowMs)
    return try storedOffers().filter { ids.contains($0.id) }
  }

  /// Takes over every version of another ledger, rows and all: for a ledger that is to come out the
  /// same.
  ///
  /// - Parameter offers: The versions, in the order of the configuration.
  /// - Returns: The same as a history.
  /// - Throws: `LedgerError`.
  public func adopt(_ offers: [StoredOffer]) throws(LedgerError) -> OfferHistory {
    knownVersions = nil
    try write { db in
      for (position, stored) in offers.enumerated() {
        try Self.store(stored.offer, position: position, row: stored.id, db)
      }
    }
    return OfferHistory(versions: offers.map(\.offer))
  }

  /// The versions by their rows; read again only after they were changed here or elsewhere.
  func offerVersions() throws(LedgerError) -> OfferVersions {
    let dataVersion = try dataVersion()
    if let knownVersions, knownVersions.dataVersion == dataVersion {
      return knownVersions.versions
    }
    let versions = OfferVersions(try storedOffers())
    knownVersions = (dataVersion, versions)
    return versions
  }

  private static func offer(_ row: Prepared) -> Offer? {
    guard let name = row.bytes(1).flatMap({ Name($0) }),
      let json = row.bytes(2),
      let texts = try? JSONDecoder().decode([String].self, from: Data(json)), !texts.isEmpty,
      let price = row.integer(3), price > 0,
      let perMs = row.integer(4), perMs > 0, let minimumMs = row.integer(5),
      let clients = row.integer(6).flatMap({ Int(exactly: $0) }), clients >= 0,
      let validFromMs = row.integer(7), row.isNull(8) || row.integer(8) != nil
    else { return nil }
    let topics = texts.compactMap { TopicFilter($0) }
    guard topics.count == texts.count else { return nil }
    return Offer(
      name: name, topics: topics, price: price, perMs: perMs, minimumMs: minimumMs,
      clients: clients, validFromMs: validFromMs, validUntilMs: row.integer(8))
  }

  private static func store(
    _ offer: Offer, position: Int, row: Int64? = nil, _ db: Database
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let topics = try encoder.encode(offer.topics.map(\.description))
    try db.execute(
      sql: """
        INSERT INTO offers
          (id, name, position, topics, price, per_ms, minimum_ms, clients, valid_from_at,
            valid_until_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (name, valid_from_at) DO UPDATE SET
          position = excluded.position, valid_until_at = excluded.valid_until_at
        """,
      arguments: [
        row, offer.name.description, position, String(decoding: topics, as: UTF8.self),
        offer.price, offer.perMs, offer.minimumMs, offer.clients,
        offer.validFromMs, offer.validUntilMs,
      ])
  }
}

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
  ///   - firstFromMs: From when offers hold that the ledger has never seen.
  /// - Returns: Every version that was ever in force.
  /// - Throws: `OfferHistoryError` where the past would change, else `LedgerError`.
  public func apply(
    offers entries: [OfferEntry], nowMs: Int64, firstFromMs: Int64
  ) throws -> OfferHistory {
    var history = OfferHistory(versions: try storedOffers().map(\.offer))
    try history.apply(entries, nowMs: nowMs, firstFromMs: firstFromMs)
    let versions = history.versions
    try write { db in
      // Versions that never came into force may vanish again.
      try db.execute(
        sql: """
          DELETE FROM offers WHERE valid_from_at > ?
            AND NOT EXISTS (SELECT 1 FROM grants WHERE version = offers.id)
          """, arguments: [nowMs])
      for (position, offer) in versions.enumerated() {
        try Self.store(offer, position: position, db)
      }
    }
    return history
  }

  /// Every version of every offer, in the order of the configuration.
  ///
  /// - Throws: `LedgerError`.
  public func storedOffers() throws(LedgerError) -> [StoredOffer] {
    try read { db in try Self.offers(db) }
  }

  /// The versions whose topics are sold: in force now or later, or with time sold that still runs.
  ///
  /// - Parameter nowMs: The tangle's time.
  /// - Returns: The versions, in the order of the configuration.
  /// - Throws: `LedgerError`.
  public func soldOffers(nowMs: Int64) throws(LedgerError) -> [StoredOffer] {
    try read { db in
      let ids = try Int64.fetchSet(
        db,
        sql: """
          SELECT id FROM offers WHERE valid_until_at IS NULL OR valid_until_at > :now
            OR EXISTS (SELECT 1 FROM grants
              WHERE version = offers.id AND kind <> 'revoked' AND ends_at > :now)
            OR EXISTS (SELECT 1 FROM grants
              WHERE version IS NULL AND offer = offers.name AND kind <> 'revoked'
                AND ends_at > :now)
          """, arguments: ["now": nowMs])
      return try Self.offers(db).filter { ids.contains($0.id) }
    }
  }

  static func offers(_ db: Database) throws -> [StoredOffer] {
    try Row.fetchAll(db, sql: "SELECT * FROM offers ORDER BY position, valid_from_at")
      .compactMap { row in
        guard let name = Name(row["name"] as String) else { return nil }
        let json = Data((row["topics"] as String).utf8)
        let topics = try JSONDecoder().decode([String].self, from: json)
        let offer = Offer(
          name: name, topics: topics.compactMap { TopicFilter($0) }, price: row["price"],
          perMs: row["per_ms"], minimumMs: row["minimum_ms"], clients: row["clients"],
          validFromMs: row["valid_from_at"], validUntilMs: row["valid_until_at"])
        return StoredOffer(id: row["id"], offer: offer)
      }
  }

  private static func store(_ offer: Offer, position: Int, _ db: Database) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let topics = try encoder.encode(offer.topics.map(\.description))
    try db.execute(
      sql: """
        INSERT INTO offers
          (name, position, topics, price, per_ms, minimum_ms, clients, valid_from_at, valid_until_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (name, valid_from_at) DO UPDATE SET
          position = excluded.position, valid_until_at = excluded.valid_until_at
        """,
      arguments: [
        offer.name.description, position, String(decoding: topics, as: UTF8.self), offer.price,
        offer.perMs, offer.minimumMs, offer.clients, offer.validFromMs, offer.validUntilMs,
      ])
  }
}

import GRDB
import Glibc
public import PaywallCore

/// A ledger as it is looked into beside the broker, without changing anything: what is missing is
/// not made, and what is old is not brought up to date.
public final class LedgerInspection: Sendable {
  /// What is read so far of a network and an address.
  public struct Reading: Hashable, Sendable {
    /// The network's identifier.
    public var network: String
    /// The seller's address, as it is written.
    public var address: String
    /// Up to where all was read; nil: nothing was.
    public var checkpoint: Int64?
    /// From when on, in Unix milliseconds.
    public var sinceMs: Int64
    /// When something was recorded last, in Unix milliseconds.
    public var updatedAtMs: Int64
  }

  /// Payments that wait for something.
  public struct Waiting: Hashable, Sendable {
    /// How many.
    public var count: Int64 = 0
    /// When the first of them was seen, in Unix milliseconds.
    public var oldestSeenAtMs: Int64?
  }

  /// The schema of the ledgers that this version makes.
  public static var currentSchema: Int64 { Schema.version }

  /// The file.
  public let path: String
  let connection: Connection

  /// Opens a ledger that there is, for reading only.
  ///
  /// - Parameter path: The file.
  /// - Throws: `LedgerError`.
  public init(path: String) throws(LedgerError) {
    self.path = path
    guard access(path, R_OK) == 0 else {
      throw LedgerError(
        code: .cannotOpen, path: path,
        reason: "it cannot be read (\(String(cString: strerror(errno)))); run this as a user who "
          + "may read it, as with: sudo -u mosquitto")
    }
    // SQLite makes the WAL and its index anew where there are none.
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard access(path + "-wal", F_OK) == 0 || access(folder, W_OK) == 0 else {
      throw LedgerError(
        code: .cannotOpen, path: path,
        reason: "while no broker has it open, it is read only by who may write in its folder; run "
          + "this as root, or as with: sudo -u mosquitto")
    }
    connection = try Connection(path: path, Connection.reading)
  }

  /// The schema of the ledger; 0 for what is no ledger.
  ///
  /// - Throws: `LedgerError` (`newer`).
  public func schema() throws(LedgerError) -> Int64 {
    try connection.read { try Schema.version($0, path: path) }
  }

  /// Checks that tables, indexes and triggers are those that this version makes.
  ///
  /// - Throws: `LedgerError` (`corrupt`).
  public func checkSchema() throws(LedgerError) {
    try connection.read { try Schema.check($0, path: path) }
  }

  /// Looks for damage in every page, as `LedgerCheck` does.
  ///
  /// - Returns: What was found; none where all is well.
  /// - Throws: `LedgerError`.
  public func damage() throws(LedgerError) -> [String] {
    do throws(LedgerError) {
      return try connection.read { try LedgerCheck.findings($0) }
    } catch  where error.code == .corrupt {
      return ["a page cannot be read"]
    }
  }

  /// What names the secret that the ledger belongs to; nil where it was never bound to one.
  ///
  /// - Throws: `LedgerError`.
  public func secretFingerprint() throws(LedgerError) -> String? {
    try connection.read { try Ledger.meta("secret_fingerprint", $0) }
  }

  /// When the ledger was made, in Unix milliseconds; nil where it does not say.
  ///
  /// - Throws: `LedgerError`.
  public func bornAtMs() throws(LedgerError) -> Int64? {
    try connection.read { try Ledger.meta("born_at", $0).flatMap(Int64.init) }
  }

  /// When the broker noted last that it runs, in Unix milliseconds of the tangle's time, as it does
  /// once a minute; nil where it never did.
  ///
  /// - Throws: `LedgerError`.
  public func aliveAtMs() throws(LedgerError) -> Int64? {
    try connection.read { try Ledger.lastAlive($0) }
  }

  /// How far what was read, of each network and address.
  ///
  /// - Throws: `LedgerError`.
  public func readings() throws(LedgerError) -> [Reading] {
    try connection.read { db in
      var readings: [Reading] = []
      let statement = try Prepared(
        "SELECT network, address, checkpoint, since_at, updated_at FROM sync", db)
      try statement.forEach { row in
        guard let network = row.text(0), let address = row.text(1), let sinceMs = row.integer(3),
          let updatedAtMs = row.integer(4)
        else { return true }
        readings.append(
          Reading(
            network: network, address: address, checkpoint: row.integer(2), sinceMs: sinceMs,
            updatedAtMs: updatedAtMs))
        return true
      }
      return readings
    }
  }

  /// Payments that the seller has neither assigned nor refunded, as far as the ledger knows.
  ///
  /// - Throws: `LedgerError`.
  public func unclaimed() throws(LedgerError) -> Waiting {
    try waiting(
      """
      state = 'unclaimed' AND NOT EXISTS (
        SELECT 1 FROM grants WHERE payment = payments.digest AND kind = 'granted'
          AND coalesce(note, '') NOT LIKE 'provisional:%')
      """)
  }

  /// Payments that are in no checkpoint yet.
  ///
  /// - Throws: `LedgerError`.
  public func pending() throws(LedgerError) -> Waiting {
    try waiting("state = 'pending'")
  }

  private func waiting(_ condition: String) throws(LedgerError) -> Waiting {
    try connection.read { db in
      try Prepared("SELECT count(*), min(seen_at) FROM payments WHERE \(condition)", db).first {
        Waiting(count: $0.integer(0) ?? 0, oldestSeenAtMs: $0.integer(1))
      } ?? Waiting()
    }
  }

  /// The first and the last payment of a time, by their checkpoints' times.
  ///
  /// - Parameters:
  ///   - sinceMs: From when on, in Unix milliseconds.
  ///   - untilMs: Until when.
  /// - Returns: Their digests: none, one or two.
  /// - Throws: `LedgerError`.
  public func firstAndLastPayment(
    sinceMs: Int64, untilMs: Int64
  ) throws(LedgerError) -> [Digest] {
    try connection.read { db in
      let digests = try ["ASC", "DESC"].compactMap { order in
        try Prepared(
          """
          SELECT digest FROM payments WHERE paid_at BETWEEN ? AND ?
          ORDER BY paid_at \(order) LIMIT 1
          """, db
        ).first(.integer(sinceMs), .integer(untilMs)) { $0.text(0).flatMap { Digest($0) } }
      }
      return digests.first == digests.last ? Array(digests.prefix(1)) : digests
    }
  }

  /// Whether a transaction has its final row.
  ///
  /// - Throws: `LedgerError`.
  public func isKnown(_ digest: Digest) throws(LedgerError) -> Bool {
    try connection.read { db in
      try Prepared("SELECT state FROM payments WHERE digest = ?", db)
        .first(.text(digest.description)) { $0.text(0) }.map { $0 != "pending" } ?? false
    }
  }

  /// Every version of every offer, in the order of the configuration.
  ///
  /// - Throws: `LedgerError`; `invalid` where a row makes no sense.
  public func storedOffers() throws(LedgerError) -> [Ledger.StoredOffer] {
    try connection.read { try Ledger.storedOffers($0, path: path) }
  }

  /// Tries whether a broker would take over the offers of a configuration.
  ///
  /// - Parameters:
  ///   - entries: The offers, in the order of the configuration.
  ///   - nowMs: The tangle's time.
  ///   - firstFromMs: From when the first offers of the ledger hold.
  /// - Throws: As `Ledger.apply`.
  public func tryOffers(_ entries: [OfferEntry], nowMs: Int64, firstFromMs: Int64) throws {
    _ = try OfferPlan(entries, nowMs: nowMs, firstFromMs: firstFromMs, connection)
  }
}

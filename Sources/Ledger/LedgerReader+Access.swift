import GRDB
public import PaywallCore

/// When an account may read what an offer sells, whatever has given it.
public struct Holding: Hashable, Sendable {
  /// The account's name inside the broker.
  public var account: Username
  /// The name of the offer.
  public var offer: [UInt8]
  /// When.
  public var span: Span
}

extension LedgerReader {
  /// Reads who may read what, and when, revocations taken off: what `access_now` shows, as the broker
  /// reads the same rows.
  ///
  /// - Parameters:
  ///   - account: Only of this account, by its name inside the broker; nil: of everybody.
  ///   - offer: Only of this offer; nil: of every.
  ///   - timeMs: Only what ends later, in Unix milliseconds.
  ///   - body: Takes access, by account, offer and time.
  /// - Returns: Rows that make no sense, the first hundred.
  /// - Throws: `LedgerError`.
  public func forEachHolding(
    of account: Username? = nil, offer: Name? = nil, endingAfterMs timeMs: Int64,
    _ body: (Holding) -> Void
  ) throws(LedgerError) -> [Flaw] {
    try read { db in
      let versions = OfferVersions(try Ledger.storedOffers(db, path: path))
      func take(_ account: Username, _ access: [Ledger.Access]) {
        for holding in Self.holdings(of: account, access, versions)
        where holding.span.endsAtMs > timeMs && (offer == nil || holding.offer == offer?.bytes) {
          body(holding)
        }
      }
      guard let account else {
        return try Ledger.forEachAccess(endingAfterMs: timeMs, versions, db, take)
      }
      let (access, flaws) = try Ledger.access(of: account, endingAfterMs: timeMs, versions, db)
      take(account, access)
      return flaws
    }
  }

  /// What is held of several versions of an offer is one to its owner.
  private static func holdings(
    of account: Username, _ access: [Ledger.Access], _ versions: OfferVersions
  ) -> [Holding] {
    let byOffer = Dictionary(grouping: access) { versions.name(ofRow: $0.version) ?? [] }
    return byOffer.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { offer, access in
      Grant.access(access.map { Grant(kind: .granted, span: $0.span) })
        .map { Holding(account: account, offer: offer, span: $0) }
    }
  }
}

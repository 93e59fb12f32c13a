import PaywallCore

/// A row of `grants` that makes sense.
struct GrantRow {
  var id: Int64
  var account: Username
  /// The name of the offer, in bytes.
  var offer: [UInt8]
  var grant: Grant
  /// The terms; nil: every version of the offer, and always for what is revoked.
  var version: Int64?

  static let columns = "id, account, offer, kind, starts_at, ends_at, version"

  /// Reads the current row of a statement that selects `columns`.
  init(_ row: Prepared, _ versions: OfferVersions) throws(Flaw) {
    let id = row.integer(0) ?? 0
    func flaw(_ reason: String) -> Flaw { Flaw(table: "grants", row: id, reason: reason) }

    guard let account = row.bytes(1) else { throw flaw("it has no account") }
    guard let offer = row.bytes(2), let kind = row.text(3).flatMap({ Grant.Kind(rawValue: $0) })
    else { throw flaw("it has no offer, or a kind that there is not") }
    guard let startsAtMs = row.integer(4), let endsAtMs = row.integer(5) else {
      throw flaw("it has no times")
    }
    guard !versions.rows(of: offer).isEmpty else {
      throw flaw("no offer has ever had this name")
    }
    self.id = id
    self.account = account
    self.offer = offer
    grant = Grant(kind: kind, span: Span(startsAtMs: startsAtMs, endsAtMs: endsAtMs))
    // What is revoked is revoked whatever the version.
    guard kind != .revoked, !row.isNull(6) else { return }
    guard let version = row.integer(6), versions.isVersion(version, of: offer) else {
      throw flaw("its version is no row in offers of this offer's name")
    }
    self.version = version
  }

  /// When one account may read which version: (bought ∪ granted ∪ made good) − revoked.
  static func access(_ rows: [GrantRow], _ versions: OfferVersions) -> [Ledger.Access] {
    // Nearly everybody has one purchase that runs.
    if rows.count == 1, let row = rows.first, let version = row.version {
      return Grant.access([row.grant]).map { Ledger.Access(version: version, span: $0) }
    }
    return Dictionary(grouping: rows, by: \.offer).flatMap { offer, rows in
      versions.rows(of: offer).flatMap { version in
        Grant.access(rows.filter { $0.version ?? version == version }.map(\.grant))
          .map { Ledger.Access(version: version, span: $0) }
      }
    }.sorted { ($0.version, $0.span) < ($1.version, $1.span) }
  }
}

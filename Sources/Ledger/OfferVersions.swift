import PaywallCore

/// Which versions of which offers there are, by the numbers of their rows.
struct OfferVersions {
  /// What identifies a version beside its row.
  struct Key: Hashable {
    var name: Name
    var validFromMs: Int64
  }

  private let offers: [Offer]
  private var rowsByName: [[UInt8]: [Int64]] = [:]
  private var nameByRow: [Int64: [UInt8]] = [:]
  private var rowByKey: [Key: Int64] = [:]

  init(_ offers: [Ledger.StoredOffer]) {
    self.offers = offers.map(\.offer)
    for stored in offers {
      let name = stored.offer.name
      rowsByName[name.bytes, default: []].append(stored.id)
      nameByRow[stored.id] = name.bytes
      rowByKey[Key(name: name, validFromMs: stored.offer.validFromMs)] = stored.id
    }
  }

  /// The names of all offers, sorted.
  var names: [String] { rowsByName.keys.map { String(decoding: $0, as: UTF8.self) }.sorted() }

  /// The version of an offer that is in force at a time; nil where there is none.
  func offer(named name: Name, atMs timeMs: Int64) -> Offer? {
    offers.first { $0.name == name && $0.isInForce(atMs: timeMs) }
  }

  /// All versions of an offer; none where it was never sold.
  func rows(of name: [UInt8]) -> [Int64] {
    rowsByName[name] ?? []
  }

  /// The name of the offer that a row is a version of.
  func name(ofRow row: Int64) -> [UInt8]? {
    nameByRow[row]
  }

  /// Whether a row is a version of the named offer.
  func isVersion(_ row: Int64, of name: [UInt8]) -> Bool {
    nameByRow[row] == name
  }

  /// The row of a version; nil where it is not in the ledger.
  func row(of offer: Offer) -> Int64? {
    rowByKey[Key(name: offer.name, validFromMs: offer.validFromMs)]
  }
}

/// An offer as the configuration states it.
public struct OfferEntry: Hashable, Sendable {
  /// What is sold, and for how much; its times of validity mean nothing here.
  public var terms: Offer
  /// From when it is in force, in Unix milliseconds; nil: from when it is first loaded.
  public var fromMs: Int64?

  /// An entry of the given parts.
  public init(terms: Offer, fromMs: Int64?) {
    self.terms = terms
    self.fromMs = fromMs
  }
}

/// Every version of every offer that was ever in force.
///
/// What was in force once never changes: the ledger has to come out the same when it is rebuilt.
public struct OfferHistory: Hashable, Sendable {
  /// The versions; those in force at one time are in the order of the configuration.
  public private(set) var versions: [Offer]

  /// A history of the given versions.
  public init(versions: [Offer] = []) {
    self.versions = versions
  }

  /// The version of the named offer that is in force at a time.
  public func offer(named name: Name, atMs timeMs: Int64) -> Offer? {
    versions.first { $0.name == name && $0.isInForce(atMs: timeMs) }
  }

  /// The offer that a payment without a name buys: the first one in force at its time.
  public func firstOffer(atMs timeMs: Int64) -> Offer? {
    versions.first { $0.isInForce(atMs: timeMs) }
  }

  /// Takes over what the configuration states now.
  ///
  /// An entry that is in force already stays; a changed one ends the version before it; an offer
  /// that is not stated any more ends now. Where those that stay are stated in another order, they
  /// begin new versions: a payment of the past that becomes known now is for the first offer of its
  /// own time.
  ///
  /// - Parameters:
  ///   - entries: The offers, in the order of the configuration.
  ///   - nowMs: The tangle's time.
  ///   - firstFromMs: From when an entry without `from` holds where its offer has no version yet.
  /// - Throws: `OfferHistoryError` where an entry would change what was in force in the past.
  public mutating func apply(
    _ entries: [OfferEntry], nowMs: Int64, firstFromMs: Int64
  ) throws(OfferHistoryError) {
    // Only the first offers of a ledger hold from the beginning.
    let firstFromMs = versions.isEmpty ? firstFromMs : nowMs
    var names: [Name] = []
    for name in entries.map(\.terms.name) where !names.contains(name) { names.append(name) }
    let gone = versions.map(\.name).filter { !names.contains($0) }
    var merged: [Name: [Offer]] = [:]
    for name in names + gone {
      let known = versions.filter { $0.name == name }
      let stated = entries.filter { $0.terms.name == name }
      merged[name] = try Self.merge(stated, into: known, nowMs: nowMs, firstFromMs: firstFromMs)
    }
    versions = OfferOrder(former: versions, names: names, nowMs: nowMs).arranged(merged)
  }

  /// Has the first offers hold from an earlier time, as where `since` was moved back.
  ///
  /// - Parameters:
  ///   - fromMs: From when they are to hold.
  ///   - formerMs: From when they have held so far.
  ///   - entries: The offers, in the order of the configuration; those with a `from` of their own stay.
  /// - Returns: The versions that hold from the earlier time now, as they were.
  public mutating func extend(
    backTo fromMs: Int64, from formerMs: Int64, _ entries: [OfferEntry]
  ) -> [Offer] {
    var former: [Offer] = []
    for (index, offer) in versions.enumerated() where offer.validFromMs == formerMs {
      let isDated = entries.contains { $0.terms.name == offer.name && $0.fromMs == formerMs }
      let isFirst = !versions.contains { $0.name == offer.name && $0.validFromMs < formerMs }
      guard fromMs < formerMs, isFirst, !isDated else { continue }
      former.append(offer)
      versions[index].validFromMs = fromMs
    }
    return former
  }

  /// The versions of one offer.
  private static func merge(
    _ stated: [OfferEntry], into known: [Offer], nowMs: Int64, firstFromMs: Int64
  ) throws(OfferHistoryError) -> [Offer] {
    // What lies in the future was never in force and may be stated anew.
    var versions = known.filter { $0.validFromMs <= nowMs }
    let open = versions.last { $0.validUntilMs ?? .max > nowMs }
    for entry in stated {
      var offer = entry.terms
      offer.validFromMs = entry.fromMs ?? (known.isEmpty ? firstFromMs : nowMs)
      if entry.fromMs == nil {
        if let open, open.hasSameTerms(as: offer) { continue }
        // An entry without `from` is the first version: dated ones of the past came after it.
        let isSuperseded = stated.contains { $0.fromMs ?? .max <= offer.validFromMs }
        if isSuperseded, known.isEmpty || known.contains(where: { $0.hasSameTerms(as: offer) }) {
          continue
        }
        guard !isSuperseded else { throw OfferHistoryError(name: offer.name) }
      }
      if let same = versions.first(where: { $0.validFromMs == offer.validFromMs }) {
        guard same.hasSameTerms(as: offer) else { throw OfferHistoryError(name: offer.name) }
        continue
      }
      let isLate = entry.fromMs != nil && offer.validFromMs < nowMs && !known.isEmpty
      guard !isLate else { throw OfferHistoryError(name: offer.name) }
      versions.append(offer)
    }
    return close(versions.sorted { $0.validFromMs < $1.validFromMs }, stated, nowMs: nowMs)
  }

  /// Ends each version where the next one begins, and the last one now where nothing is stated.
  private static func close(
    _ versions: [Offer], _ stated: [OfferEntry], nowMs: Int64
  ) -> [Offer] {
    var versions = versions
    for index in versions.indices {
      if index + 1 < versions.count {
        let next = versions[index + 1].validFromMs
        let until = versions[index].validUntilMs ?? .max
        // An end still to come was set by a successor, and successors are stated anew.
        versions[index].validUntilMs = until > nowMs ? next : min(until, next)
      } else if stated.isEmpty {
        versions[index].validUntilMs = min(versions[index].validUntilMs ?? nowMs, nowMs)
      } else if versions[index].validUntilMs ?? .max > nowMs {
        versions[index].validUntilMs = nil
      }
    }
    return versions
  }
}

/// An entry of the configuration would change what an offer sold in the past.
public struct OfferHistoryError: Error, Hashable, CustomStringConvertible {
  /// The offer.
  public let name: Name

  /// One sentence that says what to do.
  public var description: String {
    """
    offer '\(name)': its terms of the past cannot change; leave its entries as they were and add \
    another [[offer]] of the same name with a from that is still to come
    """
  }
}

/// The order of versions: of those in force at one time, that of the configuration at that time.
struct OfferOrder {
  /// All versions so far, in their order.
  let former: [Offer]
  /// The offers of the configuration, in its order.
  let names: [Name]
  /// The tangle's time, in Unix milliseconds.
  let nowMs: Int64

  /// Puts all versions in order; begins new ones of offers that stay, but in another order.
  func arranged(_ versions: [Name: [Offer]]) -> [Offer] {
    var versions = versions
    if !isOrderKept(versions) { beginAnew(&versions) }
    var list = former.compactMap { old in
      // What begins only now may stand anywhere.
      old.validFromMs >= nowMs && names.contains(old.name)
        ? nil : versions[old.name]?.first { isSame($0, old) }
    }
    var place = 0
    // Those of the past are among them where the ledger is new.
    let current = stated(versions).filter { offer in
      isSoldFromNow(offer) || !list.contains { isSame($0, offer) }
    }
    for (number, offer) in current.enumerated() {
      if let index = list.firstIndex(where: { isSame($0, offer) }) {
        place = index + 1
        continue
      }
      // Beside its former versions where that is between its neighbours, for who reads the list.
      let next = current[(number + 1)...].lazy.compactMap { other in
        list.firstIndex { isSame($0, other) }
      }.first
      if let own = list.lastIndex(where: { $0.name == offer.name }),
        own + 1 > place, own < next ?? list.count
      {
        place = own + 1
      }
      list.insert(offer, at: place)
      place += 1
    }
    return list
  }

  /// The versions of what the configuration names, in its order.
  private func stated(_ versions: [Name: [Offer]]) -> [Offer] {
    names.flatMap { versions[$0] ?? [] }
  }

  private func isSoldFromNow(_ offer: Offer) -> Bool { offer.validUntilMs ?? .max > nowMs }

  /// Whether what was in force before now and stays is in the order that it had.
  private func isOrderKept(_ versions: [Name: [Offer]]) -> Bool {
    var last = -1
    for offer in stated(versions) where offer.validFromMs < nowMs && isSoldFromNow(offer) {
      // A version that begins in the past is new only where the ledger is: in no order yet.
      guard let index = former.firstIndex(where: { isSame($0, offer) }) else { continue }
      guard index > last else { return false }
      last = index
    }
    return true
  }

  private func beginAnew(_ versions: inout [Name: [Offer]]) {
    for (name, offers) in versions {
      guard
        let index = offers.lastIndex(where: { $0.validFromMs < nowMs && $0.isInForce(atMs: nowMs) })
      else { continue }
      var next = offers[index]
      next.validFromMs = nowMs
      versions[name]?[index].validUntilMs = nowMs
      versions[name]?.insert(next, at: index + 1)
    }
  }

  private func isSame(_ one: Offer, _ other: Offer) -> Bool {
    one.name == other.name && one.validFromMs == other.validFromMs
  }
}

import Configuration
import Ledger
import PaywallCore

/// Whether what is sold can be sold, and is worth it.
struct OffersCheck {
  /// What a transfer costs its sender, about, in NANOS: gas and storage.
  private static let gasNanos: Nanos = 2_000_000

  let configuration: PaywallConfiguration
  /// The ledger, where it can be read.
  let ledger: LedgerInspection?
  /// The tangle's time, in Unix milliseconds.
  let nowMs: Int64

  func run(_ findings: inout Findings) {
    guard !configuration.offers.isEmpty else {
      return findings.warn(
        "offers", nil, "nothing is sold", mend: "add an [[offer]] with name, topics, price and per")
    }
    checkHistory(&findings)
    for entry in configuration.offers {
      checkFree(entry.terms, &findings)
      checkPublishers(entry.terms, &findings)
      checkPrice(entry.terms, &findings)
    }
  }

  /// Whether the broker will take the offers, after those that it has sold before.
  private func checkHistory(_ findings: inout Findings) {
    let names = configuration.offers.map { "'\($0.terms.name)'" }
    let text = "sells \(names.joined(separator: ", "))"
    guard let ledger else { return findings.ok("offers", nil, text) }
    do {
      let bornAtMs = try ledger.bornAtMs()
      try ledger.tryOffers(
        configuration.offers, nowMs: nowMs,
        firstFromMs: configuration.tangle.sinceMs ?? bornAtMs ?? nowMs)
      findings.ok("offers", nil, text)
    } catch {
      findings.fail("offers", nil, "\(error)", mend: nil)
    }
  }

  private func checkFree(_ offer: Offer, _ findings: inout Findings) {
    for topic in offer.topics {
      if let free = configuration.access.free.first(where: { $0.covers(topic) }) {
        findings.fail(
          "offer-free", nil,
          "'\(offer.name)' sells \(topic), which anybody may read for nothing by free = '\(free)'",
          mend: "take one of the two away")
      } else if let free = configuration.access.free.first(where: { $0.overlaps(topic) }) {
        findings.warn(
          "offer-free", nil,
          "'\(offer.name)' sells \(topic), a part of which is free by '\(free)'",
          mend: "that is right where it is meant; free wins")
      }
    }
  }

  private func checkPublishers(_ offer: Offer, _ findings: inout Findings) {
    let publish = configuration.accounts.flatMap(\.publish)
    for topic in offer.topics where !publish.contains(where: { $0.overlaps(topic) }) {
      findings.warn(
        "offer-publisher", nil,
        "no [[account]] may publish to \(topic), which '\(offer.name)' sells",
        mend: "add one with publish = [\"\(topic)\"]; a bridge needs none")
    }
  }

  /// Where a purchase costs more gas than it is worth.
  ///
  /// On Stardust nothing has to be paid for gas.
  private func checkPrice(_ offer: Offer, _ findings: inout Findings) {
    guard configuration.tangle.protocol != .stardust,
      let least = offer.amount(forMs: max(1, offer.minimumMs)), least < Self.gasNanos
    else { return }
    findings.warn(
      "offer-price", nil,
      "the least that can be bought of '\(offer.name)', \(Period.describe(ms: offer.minimumMs)), "
        + "costs \(Amount.describe(least)), less than the gas of a payment, about "
        + Amount.describe(Self.gasNanos),
      mend: "sell longer spans by a higher minimum, where buyers should not pay more for gas")
  }
}

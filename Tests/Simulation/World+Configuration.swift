import PaywallCore

@testable import Configuration

/// What the seller configures.
extension World {
  static let firstTerms = PlainOffers.Terms(
    name: "live", topics: ["s/live"], price: 1000, perMs: 60_000, minimumMs: 5000)

  func randomTerms(_ name: String) -> PlainOffers.Terms {
    PlainOffers.Terms(
      name: name,
      topics: pick([["s/\(name)"], ["s/+"], ["s/#"], ["s/\(name)", "s/x"], ["s/y/z"]]),
      price: pick([500, 1000, 3000]), perMs: pick([60_000, 45_000]),
      minimumMs: pick([1, 1000, 20_000]))
  }

  func changeOffers() {
    if chance(2) { changeTopics() }
    let name = pick(PlainOffers.names)
    let place = stated.firstIndex { $0.name == name }
    var others = stated.filter { $0.name != name }
    if others.isEmpty || !chance(3) {
      others.insert(randomTerms(name), at: place ?? number(0...others.count))
    }
    if chance(4) { others.swapAt(0, others.count - 1) }
    stated = others
  }

  func changeTopics() {
    free = pick([[], ["free/1"], ["free/#"], ["s/x"]])
    readers = pick([[:], ["agent": ["s/#"]], ["agent": ["s/live"], "b": ["s/x"]]])
  }

  var configuration: PaywallConfiguration {
    func filters(_ texts: [String]) -> [TopicFilter] { texts.compactMap { TopicFilter($0) } }
    return PaywallConfiguration(
      ledger: path, secretFile: "", realm: "r",
      tangle: .init(
        protocol: .rebasedJSONRPC, nodes: [], network: SimulatedPlugin.network,
        address: SimulatedPlugin.address, pollMs: 500, agree: 1, sinceMs: sinceMs),
      access: .init(
        free: filters(free), isSubscribeStrict: false, makesGood: makesGood,
        provisionalMs: provisionalMs),
      metrics: .init(intervalMs: 0),
      offers: stated.compactMap { terms in
        Name(terms.name).map { name in
          OfferEntry(
            terms: Offer(
              name: name, topics: filters(terms.topics), price: terms.price, perMs: terms.perMs,
              minimumMs: terms.minimumMs, validFromMs: 0),
            fromMs: nil)
        }
      },
      accounts: readers.sorted { $0.key < $1.key }.compactMap { reader in
        Name(reader.key).map { .init(username: $0, publish: [], read: filters(reader.value)) }
      })
  }
}

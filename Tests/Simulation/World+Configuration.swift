import PaywallCore

@testable import Configuration

/// What the seller configures.
extension World {
  static let firstTerms = PlainOffers.Terms(
    name: "live", topics: ["s/live"], price: 1000, perMs: 60_000, minimumMs: 5000)

  func randomTerms(_ name: String) -> PlainOffers.Terms {
    PlainOffers.Terms(
      name: name,
      topics: pick([
        ["s/\(name)"], ["s/+"], ["s/#"], ["s/\(name)", "s/x"], ["s/y/z"], ["+/x", "s"], ["#"],
      ]),
      price: pick([500, 1000, 700, 3000, 100_000]), perMs: pick([60_000, 45_000]),
      minimumMs: pick([1, 1000, 20_000]), clients: pick([0, 1, 2]))
  }

  func changeOffers() {
    if chance(2) { changeTopics() }
    let name = pick(PlainOffers.names)
    guard isSettled(name) else { return }
    let place = stated.firstIndex { $0.name == name }
    var others = stated.filter { $0.name != name }
    if others.isEmpty || !chance(3) {
      others.insert(randomTerms(name), at: place ?? number(0...others.count))
    }
    if chance(4) { others.swapAt(0, others.count - 1) }
    stated = others
    if !stated.contains(where: { $0.name == name }) || chance(2) { announced[name] = nil }
    if chance(4), stated.contains(where: { $0.name == name }) {
      // At a checkpoint, which is the first by the new terms.
      let (_, fromMs) = SimulatedTime.checkpoint(
        atMs: time.tangleMs + Int64(number(26_000...400_000)))
      announced[name] = .init(terms: randomTerms(name), fromMs: fromMs)
    }
  }

  /// Whether it is certain which terms hold; those that were announced and hold by now become the
  /// offer's only ones.
  private func isSettled(_ name: String) -> Bool {
    guard let next = announced[name] else { return true }
    // The plugin may know another time.
    guard abs(next.fromMs - time.tangleMs) > 20_000 else { return false }
    guard next.fromMs < time.tangleMs else { return true }
    stated = stated.map { $0.name == name ? next.terms : $0 }
    announced[name] = nil
    return true
  }

  func changeTopics() {
    free = pick([[], [], ["free/1"], ["free/#"], ["s/x"], ["s/x"], ["s/live"], ["s/#"]])
    readers = pick([[:], ["agent": ["s/#"]], ["agent": ["s/live"], "b": ["s/x"]]])
    isStrict = chance(2)
  }

  var configuration: PaywallConfiguration {
    func filters(_ texts: [String]) -> [TopicFilter] { texts.compactMap { TopicFilter($0) } }
    return PaywallConfiguration(
      ledger: path, secretFile: "", realm: PlainTransaction.realm,
      tangle: .init(
        protocol: .rebasedJSONRPC, nodes: [], network: SimulatedPlugin.network,
        address: SimulatedPlugin.address, pollMs: 500, agree: 1, sinceMs: sinceMs),
      access: .init(
        free: filters(free), isSubscribeStrict: isStrict, makesGood: makesGood,
        provisionalMs: provisionalMs),
      metrics: .init(intervalMs: 0),
      offers: stated.flatMap { terms in
        let next = announced[terms.name]
        return [entry(terms, fromMs: nil)] + [next.flatMap { entry($0.terms, fromMs: $0.fromMs) }]
      }.compactMap(\.self),
      accounts: readers.sorted { $0.key < $1.key }.compactMap { reader in
        Name(reader.key).map { .init(username: $0, publish: [], read: filters(reader.value)) }
      })
  }

  private func entry(_ terms: PlainOffers.Terms, fromMs: Int64?) -> OfferEntry? {
    Name(terms.name).map { name in
      OfferEntry(
        terms: Offer(
          name: name, topics: terms.topics.compactMap { TopicFilter($0) }, price: terms.price,
          perMs: terms.perMs, minimumMs: terms.minimumMs, clients: terms.clients, validFromMs: 0),
        fromMs: fromMs)
    }
  }
}

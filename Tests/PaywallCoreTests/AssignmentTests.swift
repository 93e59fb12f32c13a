import PaywallCore
import TestSupport
import Testing

struct AssignmentTests {
  private let payer = Address(bytes: Array(repeating: 7, count: 32))
  private let live = PurchasesTests.live
  private let other = Offer(
    name: PurchasesTests.name("other"), topics: [], price: 1, perMs: 1, validFromMs: 100,
    validUntilMs: 200)
  private var offers: OfferHistory { OfferHistory(versions: [live, other]) }

  private func assign(
    _ memo: Memo.Content, payer: Address?, at timeMs: Int64 = 150,
    open: ([UInt8]) -> (account: Account?, offer: [UInt8]?)? = { _ in nil }
  ) -> Assignment {
    let checkpoint = Checkpoint(sequence: 1, timeMs: timeMs)
    let payment = Payment(
      digest: PurchasesTests.digest(1), payer: payer, amount: 1,
      memo: Memo(content: memo, text: nil), checkpoint: checkpoint)
    return Assignment.of(payment, atMs: timeMs, offers: offers, open: open)
  }

  private func plain(_ username: String, offer: String? = nil) -> Memo.Content {
    .plain(username: Array(username.utf8), offer: offer.map { Array($0.utf8) })
  }

  @Test func `a plain memo names the account, the first offer is the default`() {
    let expected = Account(username: "johndoe").map { Assignment.claimed($0, live) }
    #expect(assign(plain("johndoe"), payer: payer) == expected)
    #expect(assign(plain("johndoe"), payer: nil) == expected)
  }

  @Test func `a memo names the offer`() {
    let expected = Account(username: "buyer:x").map { Assignment.claimed($0, other) }
    #expect(assign(plain("buyer:x", offer: "other"), payer: payer) == expected)
  }

  @Test func `without a memo the sender is the account`() {
    #expect(assign(.none, payer: payer) == payer.map { .claimed(.wallet($0), live) })
  }

  @Test func `a sealed memo names the account, or falls through to the sender`() {
    let buyer = Account(username: "buyer:x")
    let opened = assign(.sealed([1]), payer: payer) { _ in buyer.map { ($0, nil) } }
    #expect(opened == buyer.map { .claimed($0, live) })
    #expect(assign(.sealed([1]), payer: payer) == payer.map { .claimed(.wallet($0), live) })
  }

  @Test func `a sealed memo whose name is taken buys its sender what it names`() {
    let offer = Array("other".utf8)
    let opened = assign(.sealed([1]), payer: payer) { _ in (nil, offer) }
    #expect(opened == payer.map { .claimed(.wallet($0), other) })
    guard case .unclaimed? = Optional(assign(.sealed([1]), payer: nil) { _ in (nil, offer) }),
      case .unclaimed? = Optional(
        assign(.sealed([1]), payer: payer, at: 250) { _ in (nil, offer) })
    else {
      Issue.record("nobody is known, or nothing was sold")
      return
    }
  }

  @Test func `the seller decides where nobody fits`() {
    let cases: [Assignment] = [
      assign(plain("a/b"), payer: payer), assign(plain(""), payer: payer),
      assign(plain("0x" + String(repeating: "0", count: 64)), payer: payer),
      assign(plain("a", offer: "none"), payer: payer), assign(plain("a", offer: "#"), payer: payer),
      assign(plain("a", offer: "other"), payer: payer, at: 200), assign(.none, payer: nil),
      assign(.contradictory("two memos"), payer: payer),
    ]
    for assignment in cases {
      guard case .unclaimed(let reason) = assignment else {
        Issue.record("\(assignment)")
        continue
      }
      #expect(!reason.isEmpty)
    }
  }
}

struct OfferHistoryTests {
  private func entry(_ name: StaticString, price: Nanos = 1, fromMs: Int64? = nil) -> OfferEntry {
    let terms = Offer(
      name: PurchasesTests.name(name), topics: [], price: price, perMs: 1, validFromMs: 0)
    return OfferEntry(terms: terms, fromMs: fromMs)
  }

  private func versions(_ history: OfferHistory) -> [String] {
    history.versions.map { "\($0.name) \($0.price) \($0.validFromMs)-\($0.validUntilMs ?? -1)" }
  }

  @Test func `the first offers hold from the beginning`() throws {
    var history = OfferHistory()
    try history.apply([entry("a"), entry("b")], nowMs: 100, firstFromMs: 10)
    #expect(versions(history) == ["a 1 10--1", "b 1 10--1"])
    let before = history
    try history.apply([entry("a"), entry("b")], nowMs: 200, firstFromMs: 200)
    #expect(history == before)
  }

  @Test func `a change ends one version and begins another`() throws {
    var history = OfferHistory()
    try history.apply([entry("a")], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("a", price: 2)], nowMs: 200, firstFromMs: 200)
    #expect(versions(history) == ["a 1 10-200", "a 2 200--1"])
    let name = PurchasesTests.name("a")
    #expect(history.offer(named: name, atMs: 199)?.price == 1)
    #expect(history.offer(named: name, atMs: 200)?.price == 2)
    #expect(history.offer(named: name, atMs: 9) == nil)
  }

  @Test func `an offer that is removed sells nothing more, and may come back`() throws {
    var history = OfferHistory()
    try history.apply([entry("a")], nowMs: 100, firstFromMs: 10)
    try history.apply([], nowMs: 200, firstFromMs: 200)
    #expect(versions(history) == ["a 1 10-200"])
    try history.apply([entry("a")], nowMs: 300, firstFromMs: 300)
    #expect(versions(history) == ["a 1 10-200", "a 1 300--1"])
  }

  @Test func `an offer that is removed stays the first of its time`() throws {
    var history = OfferHistory()
    try history.apply([entry("a"), entry("b"), entry("c")], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("c")], nowMs: 200, firstFromMs: 10)
    #expect(history.firstOffer(atMs: 150)?.name == Name("a"))
    #expect(history.firstOffer(atMs: 250)?.name == Name("c"))
    #expect(history.versions.map(\.name.description) == ["a", "b", "c"])

    try history.apply([entry("c"), entry("d")], nowMs: 300, firstFromMs: 10)
    #expect(history.versions.map(\.name.description) == ["a", "b", "c", "d"])
    #expect(history.firstOffer(atMs: 150)?.name == Name("a"))
  }

  @Test func `offers that stay in another order keep the order that they had in the past`() throws {
    var history = OfferHistory()
    try history.apply([entry("a"), entry("b")], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("b"), entry("a")], nowMs: 200, firstFromMs: 10)
    #expect(versions(history) == ["a 1 10-200", "b 1 10-200", "b 1 200--1", "a 1 200--1"])
    #expect(history.firstOffer(atMs: 199)?.name == Name("a"))
    #expect(history.firstOffer(atMs: 200)?.name == Name("b"))
    let swapped = history
    try history.apply([entry("b"), entry("a")], nowMs: 300, firstFromMs: 10)
    #expect(history == swapped)
    // Once more at the same time: nothing was sold in between.
    try history.apply([entry("a"), entry("b")], nowMs: 400, firstFromMs: 10)
    try history.apply([entry("b"), entry("a")], nowMs: 400, firstFromMs: 10)
    #expect(history.firstOffer(atMs: 399)?.name == Name("b"))
    #expect(history.firstOffer(atMs: 400)?.name == Name("b"))
    #expect(history.firstOffer(atMs: 199)?.name == Name("a"))
  }

  @Test func `dated offers keep the order of the past too`() throws {
    var history = OfferHistory()
    let a = [entry("a"), entry("a", price: 2, fromMs: 150), entry("a", price: 3, fromMs: 900)]
    try history.apply(a + [entry("b")], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("b")] + a, nowMs: 200, firstFromMs: 10)
    let expected = ["a 1 10-150", "a 2 150-200", "b 1 10-200", "b 1 200--1", "a 2 200-900"]
    #expect(versions(history) == expected + ["a 3 900--1"])
    try history.apply([entry("b")] + a, nowMs: 300, firstFromMs: 10)
    #expect(versions(history) == expected + ["a 3 900--1"])
  }

  @Test func `the first offer of a time never changes afterwards`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<300 {
      var history = OfferHistory()
      var firsts: [(timeMs: Int64, name: Name?)] = []
      for step in 1...8 {
        let names: [StaticString] = ["a", "b", "c", "d"]
        // The first that are stated hold from the beginning.
        let count = Int.random(in: (step == 1 ? 1 : 0)...4, using: &random)
        let stated = names.shuffled(using: &random).prefix(count)
        let nowMs = Int64(step * 100)
        let entries = stated.map { entry($0, price: Nanos.random(in: 1...2, using: &random)) }
        try history.apply(entries, nowMs: nowMs, firstFromMs: 100)
        firsts.append((nowMs, entries.first?.terms.name))
        for (timeMs, name) in firsts {
          #expect(history.firstOffer(atMs: timeMs)?.name == name, "seed \(seed)")
          #expect(history.firstOffer(atMs: timeMs + 99)?.name == name, "seed \(seed)")
        }
        for entry in entries {
          let inForce = history.versions.filter {
            $0.name == entry.terms.name && $0.isInForce(atMs: nowMs)
          }
          #expect(inForce.map(\.price) == [entry.terms.price], "seed \(seed)")
        }
        let before = history
        try history.apply(entries, nowMs: nowMs + 50, firstFromMs: 100)
        #expect(history == before, "seed \(seed)")
      }
    }
  }

  @Test func `dated versions follow each other, whenever they are read`() throws {
    let entries = [
      entry("a"), entry("a", price: 2, fromMs: 500), entry("a", price: 3, fromMs: 900),
    ]
    let expected = ["a 1 10-500", "a 2 500-900", "a 3 900--1"]
    var history = OfferHistory()
    for nowMs: Int64 in [100, 200, 600, 800, 1000] {
      try history.apply(entries, nowMs: nowMs, firstFromMs: 10)
      #expect(versions(history) == expected, "at \(nowMs)")
    }
    var rebuilt = OfferHistory()
    try rebuilt.apply(entries, nowMs: 2000, firstFromMs: 10)
    #expect(rebuilt == history)
  }

  @Test func `a version to come may be taken back`() throws {
    var history = OfferHistory()
    try history.apply([entry("a"), entry("a", price: 2, fromMs: 500)], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("a")], nowMs: 200, firstFromMs: 10)
    #expect(versions(history) == ["a 1 10--1"])
  }

  @Test func `a version to come may be put off, without a gap`() throws {
    var history = OfferHistory()
    try history.apply([entry("a"), entry("a", price: 2, fromMs: 500)], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("a"), entry("a", price: 2, fromMs: 900)], nowMs: 200, firstFromMs: 10)
    #expect(versions(history) == ["a 1 10-900", "a 2 900--1"])
    try history.apply([entry("a"), entry("a", price: 2, fromMs: 300)], nowMs: 250, firstFromMs: 10)
    #expect(versions(history) == ["a 1 10-300", "a 2 300--1"])
  }

  @Test func `an offer that is removed ends now, whatever was to follow it`() throws {
    var history = OfferHistory()
    try history.apply([entry("a"), entry("a", price: 2, fromMs: 500)], nowMs: 100, firstFromMs: 10)
    try history.apply([], nowMs: 200, firstFromMs: 10)
    #expect(versions(history) == ["a 1 10-200"])
  }

  @Test func `only the first offers hold from the beginning`() throws {
    var history = OfferHistory()
    try history.apply([entry("a")], nowMs: 100, firstFromMs: 10)
    try history.apply([entry("b"), entry("a")], nowMs: 200, firstFromMs: 10)
    #expect(versions(history) == ["b 1 200--1", "a 1 10--1"])
  }

  @Test func `the first offers hold from an earlier time where that is asked for`() throws {
    var history = OfferHistory()
    let entries = [
      entry("a"), entry("a", price: 2, fromMs: 300), entry("b"), entry("c", fromMs: 100),
    ]
    try history.apply(entries, nowMs: 150, firstFromMs: 100)
    try history.apply(entries + [entry("d")], nowMs: 200, firstFromMs: 100)
    let before = history
    #expect(history.extend(backTo: 100, from: 100, entries).isEmpty)
    #expect(history.extend(backTo: 110, from: 100, entries).isEmpty)
    #expect(history == before)
    let former = history.extend(backTo: 10, from: 100, entries)
    #expect(former.map { "\($0.name) \($0.validFromMs)" } == ["a 100", "b 100"])
    #expect(
      versions(history)
        == ["a 1 10-300", "a 2 300--1", "b 1 10--1", "c 1 100--1", "d 1 200--1"])
    let extended = history
    try history.apply(entries + [entry("d")], nowMs: 250, firstFromMs: 10)
    #expect(history == extended)
  }

  @Test func `the past cannot be sold again for another price`() throws {
    var history = OfferHistory()
    let entries = [entry("a"), entry("a", price: 2, fromMs: 500)]
    try history.apply(entries, nowMs: 600, firstFromMs: 10)
    let before = history
    for changed in [
      [entry("a"), entry("a", price: 9, fromMs: 500)],
      [entry("a", price: 9), entry("a", price: 2, fromMs: 500)],
      entries + [entry("a", price: 3, fromMs: 550)],
    ] {
      #expect(throws: OfferHistoryError.self) {
        try history.apply(changed, nowMs: 700, firstFromMs: 10)
      }
      #expect(history == before)
    }
  }
}

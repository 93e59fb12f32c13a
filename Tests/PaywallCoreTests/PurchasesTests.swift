import PaywallCore
import TestSupport
import Testing

struct PurchasesTests {
  static let live = Offer(
    name: name("live"), topics: [], price: 500_000, perMs: 3_600_000, minimumMs: 1000,
    validFromMs: 0)

  static func name(_ text: StaticString) -> Name {
    // swift-format-ignore: NeverForceUnwrap
    Name("\(text)")!
  }

  static func digest(_ byte: UInt8) -> Digest {
    // swift-format-ignore: NeverForceUnwrap
    Digest(bytes: [byte] + Array(repeating: 0, count: 31))!
  }

  static func entry(_ byte: UInt8, at timeMs: Int64, paying amount: Nanos) -> Purchases.Entry {
    Purchases.Entry(
      digest: digest(byte), checkpoint: Checkpoint(sequence: timeMs / 250, timeMs: timeMs),
      amount: amount)
  }

  @Test(arguments: [
    (500_000, 3_600_000), (1_000_000, 7_200_000), (1667, 12_002), (1, 7), (0, 0), (-1, 0),
    (Nanos.max, 1 << 62),
  ])
  func `an amount buys its share of the period, rounded down`(amount: Nanos, ms: Int64) {
    #expect(Self.live.boughtMs(for: amount) == ms)
  }

  @Test func `the price of a span buys at least the span`() throws {
    for timeMs: Int64 in [1, 7, 8, 999, 12_000, 3_600_000, 3_600_001] {
      let amount = try #require(Self.live.amount(forMs: timeMs))
      #expect(Self.live.boughtMs(for: amount) >= timeMs)
      #expect(Self.live.boughtMs(for: amount - 1) < timeMs)
    }
    #expect(Self.live.amount(forMs: .max) != nil)
  }

  @Test func `time starts at the checkpoint, and extends from the old end`() {
    var purchases = Purchases()
    let first = purchases.count(Self.entry(1, at: 10_000, paying: 500_000), offer: Self.live)
    #expect(first == Span(startsAtMs: 10_000, endsAtMs: 3_610_000))
    let second = purchases.count(Self.entry(2, at: 20_000, paying: 500_000), offer: Self.live)
    #expect(second == Span(startsAtMs: 3_610_000, endsAtMs: 7_210_000))
    let late = purchases.count(Self.entry(3, at: 9_000_000, paying: 500_000), offer: Self.live)
    #expect(late == Span(startsAtMs: 9_000_000, endsAtMs: 12_600_000))
  }

  @Test func `too little is kept, and counted with the next payment`() {
    var purchases = Purchases()
    #expect(purchases.count(Self.entry(1, at: 1000, paying: 100), offer: Self.live) == nil)
    #expect(purchases.credit == 100)
    let span = purchases.count(Self.entry(2, at: 2000, paying: 39), offer: Self.live)
    #expect(span == Span(startsAtMs: 2000, endsAtMs: 3000))
    #expect(purchases.credit == 0)
  }

  @Test func `amounts and times at the limit do no harm`() {
    var purchases = Purchases(credit: .max, endsAtMs: .max - 5)
    let span = purchases.count(Self.entry(1, at: 0, paying: .max), offer: Self.live)
    #expect(span == Span(startsAtMs: .max - 5, endsAtMs: .max))
  }

  @Test func `payments count in the order of checkpoint and digest bytes`() {
    let entries = [
      Self.entry(200, at: 1000, paying: 1), Self.entry(3, at: 2000, paying: 1),
      Self.entry(4, at: 1000, paying: 1),
    ]
    #expect(entries.sorted().map { $0.digest } == [4, 200, 3].map(Self.digest))
  }
}

struct GrantTests {
  private func grant(_ kind: Grant.Kind, _ start: Int64, _ end: Int64) -> Grant {
    Grant(kind: kind, span: Span(startsAtMs: start, endsAtMs: end))
  }

  @Test func `what touches becomes one, what is revoked is cut out`() {
    let access = Grant.access([
      grant(.bought, 0, 10), grant(.bought, 10, 20), grant(.granted, 30, 40),
      grant(.madeGood, 35, 50), grant(.revoked, 5, 7), grant(.revoked, 45, 60),
    ])
    #expect(
      access == [
        Span(startsAtMs: 0, endsAtMs: 5), Span(startsAtMs: 7, endsAtMs: 20),
        Span(startsAtMs: 30, endsAtMs: 45),
      ])
  }

  @Test func `access is what is given and not taken, moment by moment`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let grants = (0..<Int.random(in: 0...8, using: &random)).map { _ in
        let start = Int64.random(in: 0..<20, using: &random)
        let kind = Grant.Kind.allCases.randomElement(using: &random) ?? .bought
        return grant(kind, start, start + Int64.random(in: 0..<10, using: &random))
      }
      let access = Grant.access(grants)
      for moment in Int64(0)..<30 {
        let isGiven = grants.contains { $0.kind != .revoked && $0.span.contains(moment) }
        let isTaken = grants.contains { $0.kind == .revoked && $0.span.contains(moment) }
        let isAccess = access.contains { $0.contains(moment) }
        #expect(isAccess == (isGiven && !isTaken), "seed \(seed), moment \(moment), \(grants)")
      }
      for (span, next) in zip(access, access.dropFirst()) {
        #expect(span.endsAtMs < next.startsAtMs, "seed \(seed), \(access)")
      }
    }
  }
}

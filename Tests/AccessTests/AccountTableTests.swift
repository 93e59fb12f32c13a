import PaywallCore
import TestSupport
import Testing

@testable import Access

struct AccountTableTests {
  private static func access(_ offers: [OfferKey]) -> [OfferAccess] {
    offers.map { OfferAccess(offer: $0, span: Span(startsAtMs: 0, endsAtMs: 10)) }
  }

  private func offers(
    _ table: borrowing AccountTable, _ username: Username, among offers: Range<OfferKey>
  ) -> [OfferKey]? {
    username.withUnsafeBytes { username in
      guard table.find(username) != nil else { return nil }
      return offers.filter { offer in
        table.find(username, holding: Self.bits(offer))?.holds(offer, 5) ?? false
      }
    }
  }

  @Test func `which offers cannot be held is told by a word, 32 of them for sure`() {
    for held in OfferKey(-33)...33 {
      for other in OfferKey(-33)...33 {
        for hash in UInt64(0)..<40 {
          let (first, second) = (Self.bits(held), Self.bits(other))
          #expect(
            first.turned(by: hash).overlaps(second.turned(by: hash)) == ((held - other) % 32 == 0))
        }
      }
      #expect(Self.bits(held).overlaps(.all))
      #expect(!OfferBits().overlaps(Self.bits(held)))
    }
  }

  private static func bits(_ offer: OfferKey) -> OfferBits {
    var bits = OfferBits()
    bits.insert(offer)
    return bits
  }

  @Test func `holds what a dictionary holds, through removal and reuse`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    var table = AccountTable(capacity: 40 + 40 * 40)
    var expected: [Username: [OfferKey]] = [:]
    func word() -> Username {
      (0..<Int.random(in: 1...2, using: &random)).map { _ in .random(in: 0..<40, using: &random) }
    }
    for _ in 0..<40_000 {
      let username = word()
      let start = OfferKey.random(in: 0..<20, using: &random)
      let held = (0..<OfferKey.random(in: 0..<3, using: &random)).map { start + $0 }
      let isDone = table.set(Self.access(held), of: username)
      #expect(isDone, "seed \(seed)")
      expected[username] = held.isEmpty ? nil : held
      let probe = word()
      #expect(offers(table, probe, among: 0..<23) == expected[probe], "seed \(seed)")
      let count = table.count
      #expect(count == expected.count, "seed \(seed)")
    }
    for (username, held) in expected {
      #expect(offers(table, username, among: 0..<23) == held, "seed \(seed)")
    }
    for username in expected.keys { #expect(isSet(&table, [], username), "seed \(seed)") }
    for username in expected.keys {
      let mayHold = table.mayHold(.all, username)
      #expect(!mayHold, "seed \(seed)")
    }
  }

  @Test func `what an account holds no more is told without probing`() {
    var table = AccountTable(capacity: 1)
    for held in OfferKey(0)..<70 {
      #expect(isSet(&table, [held], [1]))
      for other in OfferKey(0)..<32 {
        let mayHold = table.mayHold(Self.bits(other), [1])
        #expect(mayHold == (held % 32 == other))
      }
    }
  }

  @Test func `takes as many accounts as there is room for, and changes nothing beyond`() {
    for capacity in [0, 1, 2, 7, 100] {
      var table = AccountTable(capacity: capacity)
      let names = (0..<UInt8(capacity)).map { [$0] }
      for name in names { #expect(isSet(&table, [1], name)) }
      #expect(!isSet(&table, [1], [200]))
      #expect(offers(table, [200], among: 0..<3) == nil)
      for name in names { #expect(isSet(&table, [2], name)) }
      for name in names { #expect(offers(table, name, among: 0..<3) == [2]) }
      // What is vacated is room again.
      for name in names { #expect(isSet(&table, [], name)) }
      let count = table.count
      #expect(count == 0)
      for name in names { #expect(isSet(&table, [1], name)) }
    }
  }

  private func isSet(
    _ table: inout AccountTable, _ offers: [OfferKey], _ username: Username
  ) -> Bool {
    table.set(Self.access(offers), of: username)
  }

  @Test func `names of any length find their own account or none`() {
    var table = AccountTable(capacity: 400)
    let names = (0...300).map { Username(repeating: UInt8(ascii: "a"), count: $0) }
    for name in names { #expect(isSet(&table, [OfferKey(name.count)], name)) }
    for name in names {
      let isPossible = (1...AccountRecord.longestName).contains(name.count)
      let held = offers(table, name, among: 0..<301)
      #expect(held == (isPossible ? [OfferKey(name.count)] : nil), "\(name.count) bytes")
    }
  }

  @Test func `spans of many offers are told apart, in any order and overlapping`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<300 {
      let access = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        let start = Int64.random(in: -2..<20, using: &random)
        let length = Int64.random(in: -1..<8, using: &random)
        return OfferAccess(
          offer: OfferKey.random(in: -1..<3, using: &random),
          span: Span(startsAtMs: start, endsAtMs: start + length))
      }
      var table = AccountTable(capacity: 1)
      let isDone = table.set(access, of: [1])
      #expect(isDone)
      for offer in OfferKey(-2)..<4 {
        for nowMs in Int64(-3)..<30 {
          let isHeld = [UInt8(1)].withUnsafeBytes { table.find($0)?.holds(offer, nowMs) } ?? false
          let expected = access.contains { $0.offer == offer && $0.span.contains(nowMs) }
          #expect(isHeld == expected, "seed \(seed)")
        }
      }
    }
  }

  @Test func `a buyer takes at most 200 bytes`() {
    let buyers = 100_000
    let table = AccountTable(capacity: buyers + buyers / 8)
    #expect(table.byteCount / buyers <= 200)
    #expect(MemoryLayout<AccountRecord>.stride == 128)
  }

  @Test func `hashes depend on every byte, the length and the key`() {
    let hash = KeyedHash(keys: (1, 2, 3))
    var seen: Set<UInt64> = []
    var count = 0
    for length in 0...70 {
      for place in -1..<length {
        var bytes = [UInt8](repeating: 7, count: length)
        if place >= 0 { bytes[place] = 8 }
        seen.insert(bytes.withUnsafeBytes { hash($0) })
        count += 1
      }
    }
    #expect(seen.count == count)
    let bytes: [UInt8] = [1, 2, 3]
    #expect(bytes.withUnsafeBytes { hash($0) } != bytes.withUnsafeBytes { KeyedHash()($0) })
  }
}

import PaywallCore
import TestSupport
import Testing

@testable import Access

@Suite struct LoginTableTests {
  private static func hash(_ random: inout SplitMix64) -> Bytes32 {
    Bytes32((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }) ?? .zero
  }

  @Test func `an empty table knows nobody`() {
    let table = LoginTable(capacity: 0)
    let isKnown = table.contains(.zero)
    #expect(!isKnown)
    #expect(table.count == 0)
  }

  @Test(arguments: [0, 1, 2, 3, 10, 1000]) func `random changes, as in a set`(capacity: Int) {
    let seed = testSeed() &+ UInt64(capacity)
    var random = SplitMix64(seed: seed)
    let hashes = (0..<max(4, capacity * 2)).map { _ in Self.hash(&random) }
    var table = LoginTable(capacity: capacity)
    var expected: Set<Bytes32> = []
    for _ in 0..<(capacity * 5 + 10) {
      guard let hash = hashes.randomElement(using: &random) else { continue }
      if Bool.random(using: &random) {
        if table.insert(hash) { expected.insert(hash) } else { #expect(!expected.contains(hash)) }
      } else {
        table.remove(hash)
        expected.remove(hash)
      }
      #expect(table.count == expected.count, "SEED=\(seed)")
    }
    for hash in hashes {
      let isKnown = table.contains(hash)
      #expect(isKnown == expected.contains(hash), "SEED=\(seed)")
    }
  }

  @Test func `there is room for as many as was said`() {
    var random = SplitMix64(seed: testSeed())
    var table = LoginTable(capacity: 100)
    for _ in 0..<100 {
      let hash = Self.hash(&random)
      let (isNew, isThere) = (table.insert(hash), table.insert(hash))
      #expect(isNew && isThere)
    }
    let isTooMany = !table.insert(Self.hash(&random))
    #expect(isTooMany)
    #expect(table.count == 100)
    #expect(LoginTable(capacity: 1_000_000).byteCount <= 43_000_000)
  }

  @Test func `hashes that are almost nothing are told apart`() {
    var table = LoginTable(capacity: 10)
    let one = Bytes32([1] + Array(repeating: 0, count: 31)) ?? .zero
    let three = Bytes32([3] + Array(repeating: 0, count: 31)) ?? .zero
    func known(_ table: borrowing LoginTable) -> [Bool] {
      [table.contains(.zero), table.contains(one), table.contains(three)]
    }
    #expect(known(table) == [false, false, false])
    let isNew = table.insert(.zero)
    #expect(isNew)
    #expect(known(table) == [true, false, false])
    table.remove(.zero)
    #expect(known(table) == [false, false, false])
  }

  @Test func `changes come through the queue, and a table takes the place of all`() {
    let changes = ChangeQueue()
    let table = AccessTable(changes: changes)
    var random = SplitMix64(seed: testSeed())
    let hashes = (0..<3).map { _ in Self.hash(&random) }
    func known(_ table: borrowing AccessTable) -> [Bool] {
      hashes.map { table.isLogin($0) }
    }
    var logins = LoginTable(capacity: 2)
    let isNew = logins.insert(hashes[0])
    #expect(isNew)
    changes.push(logins: logins)
    changes.push(loginChanges: [
      LoginChange(hash: hashes[1], isValid: true), LoginChange(hash: hashes[0], isValid: false),
    ])
    #expect(known(table) == [false, false, false], "nothing is applied yet")
    table.applyChanges()
    #expect(known(table) == [false, true, false])
    changes.push(logins: LoginTable(capacity: 0))
    table.applyChanges()
    #expect(known(table) == [false, false, false])
  }
}

import Foundation
import PaywallCore
import Synchronization
import Testing

@testable import Access

struct ChangeQueueTests {
  private static func access(_ offer: OfferKey) -> [OfferAccess] {
    [OfferAccess(offer: offer, span: Span(startsAtMs: 0, endsAtMs: 1))]
  }

  private static func change(_ username: String, _ offers: [OfferKey]) -> AccountAccess {
    AccountAccess(username: Array(username.utf8), access: offers.flatMap(access))
  }

  /// What owns a table of the topics `offer/1` and so on, sold by offers of these numbers.
  private final class Reader {
    let table: AccessTable

    init(_ queue: ChangeQueue, offers: Range<OfferKey>, room: Int) {
      table = AccessTable(
        rules: rules(offers), accounts: AccountTable(capacity: room), changes: queue)
    }

    func apply(limit: Int = 1000) {
      table.applyChanges(limit: limit)
    }

    func mayRead(_ username: String, _ offer: OfferKey) -> Bool {
      Array("offer/\(offer)".utf8).withUnsafeBytes { topic in
        Array(username.utf8).withUnsafeBytes {
          table.mayRead(topic, username: $0, nowMs: 0) == .allow
        }
      }
    }
  }

  private static func rules(_ offers: Range<OfferKey>) -> AccessRules {
    AccessRules(
      free: [], sold: offers.map { ($0, [TopicFilter("offer/\($0)")].compactMap(\.self), 0) },
      accounts: [])
  }

  @Test func `changes are applied in the order they came`() {
    let queue = ChangeQueue()
    let reader = Reader(queue, offers: 1..<5, room: 2)
    #expect(queue.isEmpty)
    queue.push(changes: [Self.change("x", [1]), Self.change("y", [2])])
    queue.push(changes: [Self.change("x", [3])])
    #expect(!queue.isEmpty)
    reader.apply()
    #expect(queue.isEmpty)
    #expect((1..<5).filter { reader.mayRead("x", $0) } == [3])
    #expect((1..<5).filter { reader.mayRead("y", $0) } == [2])
  }

  @Test func `a turn applies no more changes than it may, and a later one the rest`() {
    let queue = ChangeQueue()
    let reader = Reader(queue, offers: 0..<10, room: 100)
    queue.push(changes: (0..<25).map { Self.change("a\($0)", [1]) })
    queue.push(changes: (0..<25).map { Self.change("b\($0)", [1]) })
    let names = (0..<25).map { "a\($0)" } + (0..<25).map { "b\($0)" }
    for turn in 1...5 {
      reader.apply(limit: 10)
      #expect(names.filter { reader.mayRead($0, 1) } == Array(names.prefix(turn * 10)))
    }
  }

  @Test func `rules and a whole table take the place of the old ones`() {
    let queue = ChangeQueue()
    let reader = Reader(queue, offers: 1..<3, room: 1)
    queue.push(changes: [Self.change("x", [1])])
    reader.apply()
    #expect(reader.mayRead("x", 1))
    var accounts = AccountTable(capacity: 3)
    let isSet = accounts.set(Self.access(7), of: Array("y".utf8))
    #expect(isSet)
    queue.push(rules: Self.rules(7..<8), accounts: accounts, changes: [Self.change("z", [7])])
    reader.apply()
    #expect(!reader.mayRead("x", 1))
    #expect(["x", "y", "z"].filter { reader.mayRead($0, 7) } == ["y", "z"])
  }

  @Test func `loses and repeats nothing between two threads`() {
    let queue = ChangeQueue()
    let count = 5000
    let reader = Reader(queue, offers: 0..<OfferKey(count), room: 64)
    // Each account steps through the offers; a table and rules are swapped in now and then.
    let pushing = Thread {
      for number in 0..<count {
        let offer = OfferKey(number)
        if number.isMultiple(of: 500) {
          queue.push(
            rules: Self.rules(0..<OfferKey(count)), accounts: AccountTable(capacity: 64),
            changes: [Self.change("last", [offer])])
        }
        let access = (0..<number % 4).map { OfferKey($0) } + [offer]
        queue.push(changes: [
          Self.change("last", access), Self.change("gone\(number % 32)", []),
          Self.change("gone\((number + 16) % 32)", [offer]),
        ])
      }
    }
    pushing.start()
    var seen = OfferKey(4)
    while seen < count - 1 {
      reader.apply(limit: 5)
      // What was last pushed never goes back.
      let now = (seen..<OfferKey(count)).first { reader.mayRead("last", $0) }
      if let now { seen = now }
    }
    #expect((4..<OfferKey(count)).filter { reader.mayRead("last", $0) } == [OfferKey(count - 1)])
  }

  private func newest(_ queue: ChangeQueue) -> ChangeBatch? {
    queue.newest.load(ordering: .relaxed)?.takeUnretainedValue()
  }

  @Test func `what nobody took, or only in part, is freed`() {
    weak var waiting: ChangeBatch?
    weak var begun: ChangeBatch?
    do {
      let queue = ChangeQueue()
      let reader = Reader(queue, offers: 0..<1, room: 9)
      queue.push(changes: [Self.change("x", [1, 2]), Self.change("y", [1, 2])])
      begun = newest(queue)
      reader.apply(limit: 1)
      queue.push(changes: [Self.change("z", [1, 2])])
      waiting = newest(queue)
      #expect(begun != nil && waiting != nil)
    }
    #expect(begun == nil && waiting == nil)
  }

  @Test func `what was replaced is freed by the one that pushes`() {
    let queue = ChangeQueue()
    let reader = Reader(queue, offers: 0..<4, room: 1)
    queue.push(changes: [Self.change("x", [1, 2, 3])])
    weak let batch = newest(queue)
    reader.apply()
    #expect(batch != nil)
    queue.freeApplied()
    #expect(batch == nil)
  }
}

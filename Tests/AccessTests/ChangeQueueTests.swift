import Foundation
import PaywallCore
import Testing

@testable import Access

struct ChangeQueueTests {
  private func change(_ number: Int) -> AccessChange {
    .account(
      username: Array("\(number)".utf8),
      access: [OfferAccess(offer: Int64(number), span: Span(startsAtMs: 0, endsAtMs: 1))])
  }

  private func number(_ change: AccessChange) -> Int64? {
    guard case .account(_, let access) = change else { return nil }
    return access.first?.offer
  }

  @Test func `gives changes back in the order they came`() {
    let queue = ChangeQueue()
    #expect(queue.isEmpty)
    queue.push([change(1), change(2)])
    queue.push([])
    queue.push([change(3)])
    #expect(!queue.isEmpty)
    #expect(queue.takeAll().map(number) == [1, 2, 3])
    #expect(queue.isEmpty)
    #expect(queue.takeAll().isEmpty)
  }

  @Test func `loses and repeats nothing between two threads`() {
    let queue = ChangeQueue()
    let count = 20_000
    let pushing = Thread {
      for number in 0..<count { queue.push([change(number)]) }
    }
    pushing.start()
    var taken: [Int64] = []
    while taken.count < count { taken += queue.takeAll().compactMap(number) }
    #expect(taken == (0..<Int64(count)).map(\.self))
  }

  @Test func `frees what nobody took`() {
    weak var queue: ChangeQueue?
    do {
      let filled = ChangeQueue()
      filled.push([change(1)])
      filled.push([change(2)])
      queue = filled
    }
    #expect(queue == nil)
  }
}

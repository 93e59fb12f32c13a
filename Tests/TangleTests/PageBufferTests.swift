import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import Tangle

struct PageBufferTests {
  private func payment(_ number: Int64, in sequence: Int64) -> (Payment, Checkpoint) {
    let bytes = (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * Int64(31 - $0))) }
    let checkpoint = Checkpoint(sequence: sequence, timeMs: sequence)
    let payment = Payment(
      digest: Digest(Bytes32(bytes) ?? .zero), payer: nil, isPayerVerified: false, amount: 1,
      memo: Memo(content: .none, text: nil), checkpoint: checkpoint)
    return (payment, checkpoint)
  }

  /// A buffer that holds so many payments, each in a checkpoint of its own.
  private func buffer(backlog: Int, holding count: Int) -> PageBuffer {
    var buffer = PageBuffer(backlog: backlog)
    for number in 0..<Int64(count) {
      let (payment, checkpoint) = payment(number, in: number)
      buffer.insert(payment, at: checkpoint)
    }
    return buffer
  }

  @Test(arguments: [(0, 50), (1000, 50), (3000, 150), (100_000, 5000), (9_000_000, 5000)])
  func `pages are the longer the more there is to read, up to a limit`(backlog: Int, size: Int) {
    var buffer = buffer(backlog: backlog, holding: PageBuffer.window + size - 1)
    #expect(buffer.nextPage(atEnd: false) == nil)
    let (payment, checkpoint) = payment(1 << 40, in: 1 << 40)
    buffer.insert(payment, at: checkpoint)
    #expect(buffer.nextPage(atEnd: false)?.payments.count == size)
    #expect(buffer.nextPage(atEnd: false) == nil)
  }

  @Test(arguments: [0, 49, 50, 51, 1999])
  func `what a slow node told is not held back for the sake of a long page`(count: Int) {
    var buffer = buffer(backlog: 200_000, holding: PageBuffer.window + count)
    #expect(buffer.nextPage(atEnd: false) == nil)
    let page = buffer.nextPage(atEnd: false, isOverdue: true)
    #expect(page?.payments.count == (count < PageBuffer.pageSize ? nil : count))
    #expect(page?.covered == (count < PageBuffer.pageSize ? nil : Int64(count) - 1))
  }

  @Test func `payments of any order come out in that of their checkpoints, each once`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<50 {
      var buffer = PageBuffer(backlog: .random(in: 0...4000, using: &random))
      var given: [Payment] = []
      var taken: [Payment] = []
      var covered: Int64 = -1
      func take(_ page: (payments: [Payment], covered: Int64)) {
        taken += page.payments
        // What is covered is wholly handed over.
        #expect(page.covered >= covered, "seed \(seed)")
        covered = page.covered
      }
      for number in 0..<Int64.random(in: 0...3000, using: &random) {
        // Nodes' orders differ from the checkpoints' by less than the window.
        let (payment, checkpoint) = payment(
          number, in: max(0, number / 3 + .random(in: -50...50, using: &random)))
        buffer.insert(payment, at: checkpoint)
        given.append(payment)
        let isOverdue = Int.random(in: 0..<200, using: &random) == 0
        while let page = buffer.nextPage(atEnd: false, isOverdue: isOverdue) { take(page) }
      }
      while let page = buffer.nextPage(atEnd: true) { take(page) }
      let expected = given.sorted {
        ($0.checkpoint?.sequence ?? 0, $0.digest) < ($1.checkpoint?.sequence ?? 0, $1.digest)
      }
      #expect(taken.map(\.digest) == expected.map(\.digest), "seed \(seed)")
      #expect(covered == expected.last?.checkpoint?.sequence ?? -1, "seed \(seed)")
    }
  }
}

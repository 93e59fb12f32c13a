import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

struct BacklogTests {
  private let nowMs: Int64 = 1_795_300_000_000
  private let seller = PrivateKey().address

  private func chain(_ count: Int) throws -> Chain {
    var backlog = Backlog(count: count, to: seller)
    backlog.spanMs = 1_000_000
    backlog.accountCount = 7
    return try backlog.chain(genesis: [(PrivateKey().address, 5)], nowMs: nowMs)
  }

  @Test(arguments: [0, 1, 5, 23]) func `a backlog is as many honest payments, evenly spread`(
    count: Int
  ) throws {
    let chain = try chain(count)
    #expect(chain.transactions.count == count)
    #expect(chain.checkpoints.count == count + 1)
    #expect(chain.coins(of: seller).map(\.balance) == [UInt64](repeating: 500_000, count: count))
    for (number, payment) in chain.transactions.enumerated() {
      #expect(payment.failure == nil)
      #expect(payment.signed.verdict == .valid)
      #expect(payment.balanceChanges.contains { $0.owner == seller && $0.amount == 500_000 })
      let memo = Memo.read(
        pureInputs: payment.transaction.inputs.compactMap { input in
          if case .pure(let bytes) = input { bytes } else { nil }
        })
      #expect(memo.content == .plain(username: Array("user-\(number % 7)".utf8), offer: nil))
      let timeMs = try #require(chain.timestampMs(of: payment))
      #expect(timeMs == nowMs - 1_000_000 + 1_000_000 / Int64(count) * Int64(number))
    }
  }

  @Test func `a tangle goes on where its backlog ends`() async throws {
    var options = DevTangle.Options()
    options.checkpointMs = nil
    options.backlog = Backlog(count: 60, to: seller)
    let tangle = try await DevTangle.start(options)
    let buyer = PrivateKey()
    try await tangle.fund(buyer.address)
    try await tangle.pay(7, to: seller, by: buyer)
    await tangle.makeCheckpoint()
    #expect(await tangle.latestCheckpoint == 61)
    #expect(await tangle.balance(of: seller) == 60 * 500_000 + 7)
    await tangle.stop()
  }

  /// The index of recipients finds what looking at all finds.
  @Test func `pages of an address are those of all transactions`() throws {
    let chain = try chain(23)
    let payer = chain.transactions[3].transaction.sender
    for filter in [TransactionFilter.toAddress(payer), .toAddress(seller), .fromAddress(payer)] {
      for (lower, upper, limit) in [(0, 23, 50), (4, 20, 3), (4, 4, 1), (20, 23, 2), (0, 3, 9)] {
        for descending in [false, true] {
          let all = chain.transactions[lower..<upper].filter { filter.matches($0) }
          let expected = (descending ? all.reversed() : all).prefix(limit).map(\.digest)
          let found = filter.transactions(
            of: chain, at: lower..<upper, descending: descending, limit: limit)
          #expect(found.map(\.digest) == Array(expected))
        }
      }
    }
  }
}

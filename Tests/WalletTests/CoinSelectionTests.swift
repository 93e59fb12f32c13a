import IOTACrypto
import PaywallCore
import Testing

@testable import Wallet

@Suite struct CoinSelectionTests {
  private func coins(_ balances: [Nanos]) -> [Coin] {
    balances.enumerated().map { index, balance in
      Coin(
        reference: ObjectReference(
          id: address(UInt8(truncatingIfNeeded: index)), version: UInt64(index),
          digest: Digest(.zero)), balanceNanos: balance)
    }
  }

  /// Every wallet of up to four coins of 0 to 3 NANOS, every amount.
  @Test func `as few coins as needed are chosen, all where there is too little`() {
    var wallets: [[Nanos]] = [[]]
    var all = wallets
    for _ in 0..<4 {
      wallets = wallets.flatMap { wallet in (0...3).map { wallet + [Nanos($0)] } }
      all += wallets
    }
    for wallet in all {
      let total = wallet.reduce(0, +)
      for amount in Nanos(1)...(total + 1) {
        let selection = CoinSelection(of: coins(wallet), coveringNanos: amount)
        #expect(selection.totalNanos == selection.coins.map(\.balanceNanos).reduce(0, +))
        let fewest = (0...wallet.count).first { count in
          wallet.sorted(by: >).prefix(count).reduce(0, +) >= amount
        }
        #expect(selection.coins.count == fewest ?? wallet.count { $0 > 0 })
        #expect(selection.totalNanos >= min(amount, total))
      }
    }
  }

  @Test func `no more than 256 coins, the largest`() {
    let many = coins((1...400).map(Nanos.init))
    let selection = CoinSelection(of: many, coveringNanos: .max)
    #expect(selection.coins.count == 256)
    #expect(selection.coins.allSatisfy { $0.balanceNanos > 144 })
  }

  @Test func `invented riches do not overflow`() {
    let selection = CoinSelection(of: coins([.max, .max]), coveringNanos: .max)
    #expect(selection.totalNanos == .max)
  }
}

@Suite struct GasTests {
  @Test func `the trial takes what is left, from the minimum up to its own budget`() {
    #expect(Gas(price: 1000, availableNanos: 999_999).trialBudget == nil)
    #expect(Gas(price: 1000, availableNanos: -1).trialBudget == nil)
    #expect(Gas(price: 1000, availableNanos: .min).trialBudget == nil)
    #expect(Gas(price: 1000, availableNanos: 1_000_000).trialBudget == 1_000_000)
    #expect(Gas(price: 1000, availableNanos: .max).trialBudget == 50_000_000)
    #expect(Gas(price: 1_000_000, availableNanos: .max).trialBudget == 1_000_000_000)
    #expect(Gas(price: .max, availableNanos: .max).trialBudget == nil)
  }

  @Test func `the budget is the cost and a margin, as far as there is money`() {
    let transfer = GasUsed(
      computationNanos: 1_000_000, storageNanos: 1_960_800, rebateNanos: 980_400)
    #expect(transfer.netNanos == 1_980_400)
    #expect(Gas(price: 1000, availableNanos: .max).budget(after: transfer) == 2_980_400)
    #expect(Gas(price: 1000, availableNanos: 2_000_000).budget(after: transfer) == 2_000_000)
    #expect(Gas(price: 1000, availableNanos: 1_980_400).budget(after: transfer) == 1_980_400)
    #expect(Gas(price: 1000, availableNanos: 1_980_399).budget(after: transfer) == nil)
    let merge = GasUsed(computationNanos: 1_000_000, storageNanos: 0, rebateNanos: 9_804_000)
    #expect(Gas(price: 1000, availableNanos: .max).budget(after: merge) == 2_000_000)
    #expect(Gas(price: 1000, availableNanos: 999_999).budget(after: merge) == nil)
  }
}

import IOTACrypto
import PaywallCore

/// A transaction that was executed, successfully or not, with its effects.
struct ExecutedTransaction: Sendable {
  let signed: SignedTransaction
  let digest: Digest
  /// Why it failed; nil: it succeeded.
  let failure: String?
  let epoch: UInt64
  let executedAtMs: Int64
  let gas: Gas.Used
  /// The version of everything it wrote.
  let version: UInt64
  /// The objects it replaced or deleted, as they were, in the order of their ids.
  let before: [Coin]
  /// The objects it wrote, in the order of their ids.
  let written: [Coin]
  /// The checkpoint that holds it, once there is one.
  var checkpoint: UInt64?

  var transaction: Transaction { signed.transaction }

  var created: [Coin] {
    let old = Set(before.map(\.id))
    return written.filter { !old.contains($0.id) }
  }

  var mutated: [Coin] {
    let old = Set(before.map(\.id))
    return written.filter { old.contains($0.id) }
  }

  var deleted: [Address] {
    let new = Set(written.map(\.id))
    return before.map(\.id).filter { !new.contains($0) }
  }

  /// The coin that paid.
  var gasObject: Coin? {
    guard let first = transaction.gas.payment.first else { return nil }
    return written.first { $0.id == first.id }
  }

  /// The transactions that wrote what this one used.
  var dependencies: [Digest] { Set(before.map(\.previousTransaction)).sorted() }

  /// The net change of each owner's balance, gas included, without those that are zero.
  var balanceChanges: [(owner: Address, amount: Int64)] {
    var sums: [Address: Int64] = [:]
    for coin in before { sums[coin.owner, default: 0] -= Int64(clamping: coin.balance) }
    for coin in written { sums[coin.owner, default: 0] += Int64(clamping: coin.balance) }
    return sums.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

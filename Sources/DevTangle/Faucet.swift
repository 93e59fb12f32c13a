import IOTACrypto
import PaywallCore

/// An account with much money, which gives some away in transactions of its own.
struct Faucet: Sendable {
  /// How many coins a request gets.
  var coinCount = 5
  /// What each of them holds, in NANOS: 2 IOTA.
  var coinNanos: UInt64 = 2_000_000_000

  private let key: PrivateKey

  /// What the faucet has at first, in NANOS: a billion IOTA.
  static let startBalance: UInt64 = 1_000_000_000_000_000_000

  init() {
    key = PrivateKey()
  }

  var address: Address { key.address }

  /// Sends coins to the recipient.
  func send(
    to recipient: Address, on chain: inout Chain, nowMs: Int64
  ) throws(Refusal) -> ExecutedTransaction {
    // The largest coin: anybody may send the faucet small ones.
    guard let gas = chain.coins(of: address).max(by: { $0.balance < $1.balance }) else {
      throw .input("The faucet is empty. Restart the tangle to refill it.")
    }
    let transaction = payment(to: recipient, gas: gas.reference)
    let signed = SignedTransaction(
      transaction: transaction, signatures: [key.sign(transaction).serialized])
    let executed = try chain.execute(signed, nowMs: nowMs)
    if let failure = executed.failure {
      throw .input("The faucet cannot pay: \(failure). Restart the tangle to refill it.")
    }
    return executed
  }

  private func payment(to recipient: Address, gas: ObjectReference) -> Transaction {
    var amount = BCSWriter()
    amount.number(coinNanos)
    let count = UInt16(clamping: coinCount)
    let coins = (0..<count).map { Transaction.Argument.nestedResult(0, $0) }
    return Transaction(
      inputs: [.pure(amount.bytes), .pure(recipient.bytes)],
      commands: [
        .splitCoins(.gas, amounts: coins.map { _ in .input(0) }),
        .transferObjects(coins, to: .input(1)),
      ],
      sender: address,
      gas: Transaction.GasData(
        payment: [gas], owner: address, price: Gas.referencePrice, budget: 1_000_000_000))
  }
}

import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Wallet

/// Somebody with money, who pays with real signatures.
struct Buyer {
  let key: PrivateKey
  let seller: Address
  let nodeURL: String

  /// A payment that was executed.
  struct Paid {
    var digest: String
    /// When the node had answered, by this machine's clock.
    var executedAtMs: Int64
  }

  var address: Address { key.address }

  /// Pays, with a memo for a broker account where one is named.
  func pay(
    _ amountNanos: Nanos, username: String? = nil, offer: String? = nil,
    form: PaymentOrder.MemoForm = .input
  ) throws -> Paid {
    let memo = try username.map { try PaymentMemo(username: $0, offer: offer) }
    let payer = Payer(node: Node(url: nodeURL), key: key)
    let order = PaymentOrder(to: seller, amountNanos: amountNanos, memo: memo, memoForm: form)
    let executed = try payer.execute(try payer.prepare(order))
    return Paid(digest: "\(executed.digest)", executedAtMs: nowMs())
  }

  /// Pays with memos that no wallet of ours would write.
  func pay(_ amountNanos: Nanos, memos: [String]) throws -> Paid {
    let payer = Payer(node: Node(url: nodeURL), key: key)
    let order = PaymentOrder(to: seller, amountNanos: amountNanos)
    var transaction = try payer.prepare(order).transaction
    transaction.inputs += memos.map { .pure(Array($0.utf8)) }
    return try execute(transaction)
  }

  /// Pays by one transaction that has several outputs to the seller.
  func pay(_ amounts: [Nanos], username: String?, offer: String?) throws -> Paid {
    let memo = try username.map { try PaymentMemo(username: $0, offer: offer) }
    let payer = Payer(node: Node(url: nodeURL), key: key)
    let order = PaymentOrder(to: seller, amountNanos: amounts.reduce(0, +), memo: memo)
    var transaction = try payer.prepare(order).transaction
    // An object for each output has to be stored.
    transaction.gas.budget += UInt64(amounts.count) * 2_000_000
    let next = transaction.inputs.count
    let inputs = amounts.map { amount in
      var writer = BCSWriter()
      writer.number(UInt64(amount))
      return Transaction.Input.pure(writer.bytes)
    }
    // The first is where the order has its only one.
    transaction.inputs[0] = inputs[0]
    transaction.inputs += inputs.dropFirst()
    let positions = [0] + (0..<amounts.count - 1).map { next + $0 }
    transaction.commands = [
      .splitCoins(.gas, amounts: positions.map { .input(UInt16($0)) }),
      .transferObjects(amounts.indices.map { .nestedResult(0, UInt16($0)) }, to: .input(1)),
    ]
    return try execute(transaction)
  }

  private func execute(_ transaction: Transaction) throws -> Paid {
    let endpoint = JSONRPCEndpoint(
      url: nodeURL, headers: [], client: HTTPClient(), timeoutMs: 15_000)
    let params: [JSONValue] = [
      .string(Base64.encode(transaction.bcs)),
      .array([.string(key.sign(transaction).base64)]), ["showEffects": true],
      "WaitForLocalExecution",
    ]
    let answer = try endpoint.call("iota_executeTransactionBlock", params, as: Executed.self)
    guard answer.effects.status.status == "success" else {
      throw TestFailure("the payment \(answer.digest) failed")
    }
    return Paid(digest: answer.digest, executedAtMs: nowMs())
  }

  private struct Executed: Decodable {
    struct Effects: Decodable {
      struct Status: Decodable { var status: String }
      var status: Status
    }
    var digest: String
    var effects: Effects
  }
}

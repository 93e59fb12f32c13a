public import IOTACrypto
import PaywallCore

/// Pays: builds the transaction, has the node try it out, signs it and sees it through.
public struct Payer: Sendable {
  private let node: Node
  private let key: PrivateKey

  /// A payer with the money of the key's address.
  public init(node: Node, key: PrivateKey) {
    self.node = node
    self.key = key
  }

  /// Builds the transaction and has the node try it out.
  ///
  /// Nothing is signed.
  ///
  /// - Throws: ``WalletError``; the money is where it was.
  public func prepare(_ order: PaymentOrder) throws(WalletError) -> PreparedPayment {
    guard order.amountNanos > 0 else {
      throw WalletError(.invalidInput, "The amount must be more than 0.")
    }
    let price = try node.referenceGasPrice()
    let (wanted, overflow) = order.amountNanos.addingReportingOverflow(Gas.trialBudgetNanos)
    let selection = try node.coins(of: key.address, coveringNanos: overflow ? .max : wanted)
    let gas = Gas(
      price: price, availableNanos: selection.totalNanos - order.amountNanos)
    guard let trialBudget = gas.trialBudget else {
      throw insufficient(order, needNanos: gas.minimumNanos, haveNanos: selection.totalNanos)
    }
    var transaction = order.transaction(
      sender: key.address,
      gas: .init(
        payment: selection.coins.map(\.reference), owner: key.address, price: price,
        budget: trialBudget))
    let used = try dryRun(transaction, isShort: gas.isShort)
    guard let budget = gas.budget(after: used) else {
      throw insufficient(order, needNanos: used.netNanos, haveNanos: selection.totalNanos)
    }
    transaction.gas.budget = budget
    return PreparedPayment(order: order, transaction: transaction, gas: used)
  }

  // `isShort`: whether the wallet holds little, so that a failure may be for lack of gas.
  private func dryRun(
    _ transaction: Transaction, isShort: Bool
  ) throws(WalletError) -> GasUsed {
    let answer = try node.dryRun(transaction)
    guard let effects = answer.effects else {
      throw WalletError(.node, "The node \(node.shownURL) answered a dry run without effects.")
    }
    if let failure = effects.status.failure {
      throw WalletError(
        isShort && failure.hasPrefix("Insufficient") ? .insufficientFunds : .refused,
        "The payment would fail, so it was not sent; the node \(node.shownURL) gives as reason: "
          + "\(shown(failure)).")
    }
    return effects.gasUsed
  }

  /// Signs and executes the payment.
  ///
  /// Its digest is known before it is sent, and sending it twice executes it once: where an answer
  /// is missing, it is looked up and sent again until the deadline.
  ///
  /// - Throws: ``WalletError``: `refused` where it is known that the money was not paid,
  ///   `outcomeUnknown` where it may have been.
  public func execute(
    _ payment: PreparedPayment, deadlineMs: Int = 30_000
  ) throws(WalletError) -> ExecutedPayment {
    let signature = key.sign(payment.transaction)
    let signed = SignedTransaction(
      transaction: payment.transaction, signatures: [signature.serialized])
    let digest = payment.transaction.digest
    let deadline = Deadline(ms: deadlineMs)
    var mayBeExecuted = false
    while true {
      let answer: TransactionAnswer
      do {
        answer = try node.execute(signed)
      } catch {
        if !mayBeExecuted, error.provesNotExecuted { throw refusal(error) }
        mayBeExecuted = true
        guard let found = try? node.transaction(digest) else {
          guard deadline.wait(ms: 500) else { throw outcomeUnknown(digest, after: error) }
          continue
        }
        answer = found
      }
      return try executed(digest, answer)
    }
  }

  /// Waits until a checkpoint holds the payment, or until the deadline: then `checkpoint` is nil.
  ///
  /// Executed payments are final and always reach a checkpoint, so errors of the node only cost
  /// time.
  public func confirm(_ payment: ExecutedPayment, deadlineMs: Int = 30_000) -> ExecutedPayment {
    var payment = payment
    let deadline = Deadline(ms: deadlineMs)
    var pauseMs = 50
    repeat {
      pauseMs = min(pauseMs * 2, 1000)
      guard let answer = try? node.transaction(payment.digest),
        let checkpoint = answer.checkpoint
      else { continue }
      payment.checkpoint = checkpoint.value
      payment.timestampMs = answer.timestampMs.flatMap { Int64(exactly: $0.value) }
      return payment
    } while deadline.wait(ms: pauseMs)
    return payment
  }

  private func executed(
    _ digest: Digest, _ answer: TransactionAnswer
  ) throws(WalletError) -> ExecutedPayment {
    guard let effects = answer.effects, answer.digest == "\(digest)" else {
      throw WalletError(
        .outcomeUnknown(digest),
        "The node \(node.shownURL) answered for another transaction, or without effects; look up "
          + "\(digest) on another node before paying again.")
    }
    if let failure = effects.status.failure {
      throw WalletError(
        .refused,
        "The payment \(digest) failed, and cost \(Amount.describe(effects.gasUsed.netNanos)) of "
          + "gas: \(shown(failure)).")
    }
    return ExecutedPayment(
      digest: digest, gas: effects.gasUsed, checkpoint: answer.checkpoint?.value,
      timestampMs: answer.timestampMs.flatMap { Int64(exactly: $0.value) })
  }

  private func insufficient(
    _ order: PaymentOrder, needNanos gas: Nanos, haveNanos have: Nanos
  ) -> WalletError {
    WalletError(
      .insufficientFunds,
      "The wallet \(key.address) holds \(Amount.describe(have)) in coins that one payment can use; "
        + "this one takes \(Amount.describe(order.amountNanos)) and at least "
        + "\(Amount.describe(gas)) of gas.")
  }
}

public import IOTACrypto
public import PaywallCore

extension DevTangle {
  /// Pays an address from the key's largest coin, without a request: for tests of what reads
  /// payments.
  ///
  /// - Parameters:
  ///   - amount: in NANOS.
  ///   - recipient: who gets it.
  ///   - key: who pays, the gas too. ``fund(_:)`` gives its address coins.
  ///   - memo: bytes for a pure input that no command uses; nil: no such input.
  /// - Returns: the digest of the transaction, which is executed and not yet in a checkpoint.
  /// - Throws: an error that says why the payment was refused, or failed.
  @discardableResult
  public func pay(
    _ amount: UInt64, to recipient: Address, by key: PrivateKey, memo: [UInt8]? = nil
  ) throws -> Digest {
    guard let coin = largestCoin(of: key.address) else {
      throw Refusal.input("\(key.address) has no coins. Fund it from the faucet first.")
    }
    return try execute(.payment(amount, to: recipient, by: key, from: coin, memo: memo))
  }

  /// Executes a signed transaction, without a request.
  ///
  /// - Returns: its digest.
  /// - Throws: an error that says why it was refused, or failed. What failed is on the tangle, and
  ///   has cost gas.
  @discardableResult
  public func execute(_ signed: SignedTransaction) throws -> Digest {
    let executed = try record(signed)
    if let failure = executed.failure {
      throw Refusal.input("The transaction \(executed.digest) failed: \(failure)")
    }
    return executed.digest
  }
}

extension SignedTransaction {
  /// A payment from a coin of the key's, which pays the gas too.
  static func payment(
    _ amount: UInt64, to recipient: Address, by key: PrivateKey, from coin: ObjectReference,
    memo: [UInt8]?
  ) -> SignedTransaction {
    var amountBytes = BCSWriter()
    amountBytes.number(amount)
    var inputs: [Transaction.Input] = [.pure(amountBytes.bytes), .pure(recipient.bytes)]
    if let memo {
      inputs.append(.pure(memo))
    }
    let transaction = Transaction(
      inputs: inputs,
      commands: [
        .splitCoins(.gas, amounts: [.input(0)]),
        .transferObjects([.nestedResult(0, 0)], to: .input(1)),
      ],
      sender: key.address,
      gas: Transaction.GasData(
        payment: [coin], owner: key.address, price: Gas.referencePrice, budget: 10_000_000))
    return SignedTransaction(
      transaction: transaction, signatures: [key.sign(transaction).serialized])
  }
}

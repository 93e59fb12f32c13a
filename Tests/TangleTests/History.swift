import HTTP
import IOTACrypto
import PaywallCore

/// Makes transactions as a node tells them: signed and with true digests, chain state invented.
struct History {
  let seller: Address

  /// A transaction with the pure inputs; an object's version makes its digest differ.
  func sign(_ key: PrivateKey, version: UInt64 = 1, pureInputs: [[UInt8]]) -> SignedTransaction {
    let coin = ObjectReference(id: key.address, version: version, digest: Digest(.zero))
    let gas = Transaction.GasData(
      payment: [coin], owner: key.address, price: 1000, budget: 5_000_000)
    let transaction = Transaction(
      inputs: pureInputs.map { .pure($0) }, commands: [], sender: key.address, gas: gas)
    return SignedTransaction(
      transaction: transaction, signatures: [key.sign(transaction).serialized])
  }

  /// A successful payment; pending where there is no checkpoint.
  func block(
    _ key: PrivateKey, amount: Int64, checkpoint: Int64?, version: UInt64 = 1,
    pureInputs: [[UInt8]] = []
  ) -> JSONValue {
    block(
      sign(key, version: version, pureInputs: pureInputs), amount: amount, checkpoint: checkpoint)
  }

  func block(_ signed: SignedTransaction, amount: Int64, checkpoint: Int64?) -> JSONValue {
    let digest = JSONValue.string(signed.transaction.digest.description)
    var block: JSONValue = [
      "digest": digest, "rawTransaction": .string(Base64.encode(signed.bcs)),
      "effects": ["status": ["status": "success"], "transactionDigest": digest],
      "balanceChanges": [
        [
          "owner": ["AddressOwner": .string(seller.description)], "coinType": "0x2::iota::IOTA",
          "amount": .string("\(amount)"),
        ]
      ],
    ]
    if let checkpoint {
      block["checkpoint"] = .string("\(checkpoint)")
      block["timestampMs"] = .string("\(Self.timeMs(checkpoint))")
    }
    return block
  }

  static func timeMs(_ checkpoint: Int64) -> Int64 {
    1_795_300_000_000 + checkpoint * 250
  }
}

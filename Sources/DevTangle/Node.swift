import IOTACrypto
import PaywallCore

/// A node's JSON-RPC methods over a chain.
///
/// Source: iotaledger/iota, crates/iota-open-rpc/spec/openrpc.json and crates/iota-json-rpc/src.
struct Node: Sendable {
  var chain: Chain
  /// How long after its execution a transaction shows up in queries, in milliseconds.
  var indexLagMs: Int64 = 0
  /// What the node answers as its network; nil: the start of the genesis checkpoint's digest.
  var chainIdentifierOverride: String?
  /// How many of the newest transactions have not been pruned; nil: all.
  var unprunedCount: Int?

  /// Eight hexadecimal digits that tell networks apart.
  var chainIdentifier: String {
    chainIdentifierOverride ?? Hex.encode(chain.checkpoints[0].digest.bytes.prefix(4))
  }

  /// The result of one call.
  mutating func call(
    _ method: String, _ parameters: Parameters, nowMs: Int64
  ) throws(RPCError) -> JSON {
    switch method {
    case "iota_getChainIdentifier": .string(chainIdentifier)
    case "iota_getLatestCheckpointSequenceNumber": .text(chain.latest.sequenceNumber)
    case "iota_getCheckpoint": try checkpoint(parameters)
    case "iota_getTotalTransactionBlocks": .text(chain.latest.networkTotalTransactions)
    case "iota_getTransactionBlock": try transactionBlock(parameters)
    case "iota_multiGetTransactionBlocks": try transactionBlocks(parameters)
    case "iotax_queryTransactionBlocks": try queryTransactionBlocks(parameters, nowMs: nowMs)
    case "iotax_getCoins": try coins(parameters, anyType: false)
    case "iotax_getAllCoins": try coins(parameters, anyType: true)
    case "iotax_getBalance": try balance(parameters)
    case "iotax_getAllBalances": try balances(parameters)
    case "iotax_getReferenceGasPrice": .text(Gas.referencePrice)
    case "iota_getObject": try object(parameters)
    case "iota_dryRunTransactionBlock": try dryRun(parameters, nowMs: nowMs)
    case "iota_executeTransactionBlock": try execute(parameters, nowMs: nowMs)
    default: throw .methodNotFound
    }
  }

  /// The first transaction that has not been pruned.
  var firstUnpruned: Int {
    max(0, chain.transactions.count - max(0, unprunedCount ?? chain.transactions.count))
  }

  /// The transaction, unless it never was or was pruned.
  func transaction(_ digest: Digest) throws(RPCError) -> ExecutedTransaction {
    chain.transactions[try position(of: digest)]
  }

  /// Where the transaction stands in the order of execution, unless it never was or was pruned.
  func position(of digest: Digest) throws(RPCError) -> Int {
    guard let position = chain.position(of: digest), position >= firstUnpruned else {
      throw .notFound(digest)
    }
    return position
  }

  private func checkpoint(_ parameters: Parameters) throws(RPCError) -> JSON {
    let id = try parameters.string(0, "id")
    let found: Checkpoint? =
      if let number = UInt64(id) {
        chain.checkpoint(number)
      } else if let digest = Digest(id) {
        chain.checkpoints.last { $0.digest == digest }
      } else {
        throw RPCError.invalid("Invalid params: id must be a sequence number or a digest.")
      }
    guard let found else {
      throw .invalid("Verified checkpoint not found for sequence number or digest: \(id)")
    }
    return found.json
  }
}

extension Checkpoint {
  /// The checkpoint as JSON-RPC shows it.
  var json: JSON {
    var fields: [String: JSON] = [
      "epoch": .text(epoch), "sequenceNumber": .text(sequenceNumber), "digest": .text(digest),
      "networkTotalTransactions": .text(networkTotalTransactions),
      "epochRollingGasCostSummary": gas.json, "timestampMs": .text(timestampMs),
      "transactions": .array(transactions.map { .text($0) }), "checkpointCommitments": [],
      // One validator that is not asked for its signature: zeros, as many as a BLS signature has.
      "validatorSignature": .string(Base64.encode([UInt8](repeating: 0, count: 48))),
    ]
    if let previousDigest {
      fields["previousDigest"] = .text(previousDigest)
    }
    return .object(fields)
  }
}

extension Gas.Used {
  /// The gas as JSON-RPC shows it.
  var json: JSON {
    [
      "computationCost": .text(computation), "computationCostBurned": .text(burned),
      "storageCost": .text(storage), "storageRebate": .text(rebate),
      "nonRefundableStorageFee": "0",
    ]
  }
}

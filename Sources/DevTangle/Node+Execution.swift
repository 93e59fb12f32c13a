import IOTACrypto
import PaywallCore

extension Node {
  mutating func execute(_ parameters: Parameters, nowMs: Int64) throws(RPCError) -> JSON {
    let transaction = try transaction(parameters)
    var signatures: [[UInt8]] = []
    let texts = Parameters(values: try parameters.array(1, "signatures"))
    for index in texts.values.indices {
      signatures.append(try texts.base64(index, "signatures"))
    }
    let waits = try waitsForLocalExecution(parameters.optional(3))
    let signed = SignedTransaction(transaction: transaction, signatures: signatures)
    let executed: ExecutedTransaction
    do {
      executed = try chain.execute(signed, nowMs: nowMs)
    } catch {
      switch error.cause {
      case .signature:
        throw .transactionExecution(error.description)
      case .input:
        throw .transactionExecution(
          "Transaction validator signing failed due to issues with transaction inputs, please "
            + "review the errors and try again: - \(error.description)")
      }
    }
    guard case .object(var fields) = show(executed, TransactionOptions(parameters.optional(2)))
    else { return .null }
    // The answer tells what execution did; checkpoints come later.
    fields["checkpoint"] = nil
    fields["timestampMs"] = nil
    fields["confirmedLocalExecution"] = .bool(waits)
    return .object(fields)
  }

  func dryRun(_ parameters: Parameters, nowMs: Int64) throws(RPCError) -> JSON {
    let transaction = try transaction(parameters)
    do {
      let executed = try chain.dryRun(transaction, nowMs: nowMs)
      return [
        "effects": executed.effectsJSON, "events": [],
        "objectChanges": executed.objectChangesJSON,
        "balanceChanges": executed.balanceChangesJSON, "input": executed.dataJSON,
        "suggestedGasPrice": .text(Gas.referencePrice),
      ]
    } catch {
      throw .invalid("Error checking transaction input objects: \(error.description)")
    }
  }

  private func transaction(_ parameters: Parameters) throws(RPCError) -> Transaction {
    let bytes = try parameters.base64(0, "tx_bytes")
    do {
      return try Transaction(bcs: bytes)
    } catch {
      throw .invalid("Invalid params: tx_bytes is no transaction. \(error)")
    }
  }

  private func waitsForLocalExecution(_ requestType: JSON?) throws(RPCError) -> Bool {
    switch requestType {
    case nil: false
    case "WaitForEffectsCert": false
    case "WaitForLocalExecution": true
    default:
      throw .invalid(
        "Invalid params: request_type must be WaitForEffectsCert or WaitForLocalExecution.")
    }
  }
}

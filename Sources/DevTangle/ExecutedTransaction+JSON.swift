import IOTACrypto
import PaywallCore

extension ExecutedTransaction {
  /// `transaction`: what was signed, and the signatures.
  var inputJSON: JSON {
    [
      "data": dataJSON,
      "txSignatures": .array(signed.signatures.map { .string(Base64.encode($0)) }),
    ]
  }

  /// What was signed.
  var dataJSON: JSON {
    let gas = transaction.gas
    return [
      "messageVersion": "v1",
      "transaction": [
        "kind": "ProgrammableTransaction",
        "inputs": .array(transaction.inputsJSON),
        "transactions": .array(transaction.commands.map(\.json)),
      ],
      "sender": .text(transaction.sender),
      "gasData": [
        "payment": .array(gas.payment.map(\.json)), "owner": .text(gas.owner),
        "price": .text(gas.price), "budget": .text(gas.budget),
      ],
    ]
  }

  /// `rawTransaction`: BCS of the signed transaction.
  var rawJSON: JSON { .string(Base64.encode(signed.bcs)) }

  /// `effects`, lists that are empty left out.
  var effectsJSON: JSON {
    var fields: [String: JSON] = [
      "messageVersion": "v1",
      "status": failure.map { ["status": "failure", "error": .string($0)] }
        ?? ["status": "success"],
      "executedEpoch": .text(epoch), "gasUsed": gas.json, "transactionDigest": .text(digest),
      "modifiedAtVersions": .array(
        before.map { ["objectId": .text($0.id), "sequenceNumber": .text($0.version)] }),
      "gasObject": gasObject?.ownedJSON ?? .null,
    ]
    let lists: [(String, [JSON])] = [
      ("created", created.map(\.ownedJSON)), ("mutated", mutated.map(\.ownedJSON)),
      ("deleted", deleted.map { reference(toDeleted: $0).json }),
      ("dependencies", dependencies.map { .text($0) }),
    ]
    for (key, list) in lists where !list.isEmpty {
      fields[key] = .array(list)
    }
    return .object(fields)
  }

  private func reference(toDeleted id: Address) -> ObjectReference {
    ObjectReference(id: id, version: version, digest: .deletedObject)
  }

  /// `balanceChanges`: net of gas, without zeros.
  var balanceChangesJSON: JSON {
    .array(
      balanceChanges.map { owner, amount in
        [
          "owner": ["AddressOwner": .text(owner)], "coinType": .string(Coin.coinType),
          "amount": .text(amount),
        ]
      })
  }

  /// `objectChanges`: what became of each object.
  var objectChangesJSON: JSON {
    let old = Dictionary(before.map { ($0.id, $0) }) { first, _ in first }
    let writes = written.map { coin -> JSON in
      var fields: [String: JSON] = [
        "sender": .text(transaction.sender), "objectType": .string(Coin.objectType),
        "objectId": .text(coin.id), "version": .text(coin.version), "digest": .text(coin.digest),
      ]
      let owner: JSON = ["AddressOwner": .text(coin.owner)]
      if let previous = old[coin.id] {
        fields["previousVersion"] = .text(previous.version)
        fields["type"] = previous.owner == coin.owner ? "mutated" : "transferred"
        fields[previous.owner == coin.owner ? "owner" : "recipient"] = owner
      } else {
        fields["type"] = "created"
        fields["owner"] = owner
      }
      return .object(fields)
    }
    let deletions = deleted.map { id -> JSON in
      [
        "type": "deleted", "sender": .text(transaction.sender),
        "objectType": .string(Coin.objectType), "objectId": .text(id), "version": .text(version),
      ]
    }
    return .array(writes + deletions)
  }
}

extension Coin {
  /// The coin's owner and reference, as effects name it.
  var ownedJSON: JSON { ["owner": ["AddressOwner": .text(owner)], "reference": reference.json] }
}

extension ObjectReference {
  /// The reference; its version is a number here, not text.
  var json: JSON {
    ["objectId": .text(id), "version": .int(Int64(clamping: version)), "digest": .text(digest)]
  }
}

import PaywallCore

extension StardustLedger.OutputID {
  /// `0x`, the transaction's id and a little-endian number, in hexadecimal.
  var text: String {
    "0x" + Hex.encode(transaction.bytes + [UInt8(index & 0xff), UInt8(index >> 8)])
  }

  init?(_ text: String) {
    guard text.hasPrefix("0x"), let bytes = Hex.decode(text.dropFirst(2)), bytes.count == 34,
      let transaction = Digest(bytes: bytes.prefix(32))
    else { return nil }
    self.init(transaction: transaction, index: UInt16(bytes[32]) | UInt16(bytes[33]) << 8)
  }
}

extension Digest {
  /// `0x` and 64 hexadecimal digits, as Stardust writes ids.
  var hex: String { "0x" + Hex.encode(bytes) }
}

extension StardustLedger {
  private static let zero = "0x" + String(repeating: "00", count: 32)

  static func json(_ milestone: Milestone) -> JSON {
    [
      "type": 7, "index": .int(Int64(milestone.index)),
      "timestamp": .int(Int64(milestone.timeS)), "protocolVersion": 2,
      "previousMilestoneId": .string(zero), "parents": [.string(zero)],
      "inclusionMerkleRoot": .string(zero), "appliedMerkleRoot": .string(zero),
      "signatures": [
        [
          "type": 0, "publicKey": .string(zero),
          "signature": .string("0x" + String(repeating: "00", count: 64)),
        ]
      ],
    ]
  }

  static func changes(_ milestone: Milestone) -> JSON {
    [
      "index": .int(Int64(milestone.index)),
      "createdOutputs": .array(milestone.created.map { .string($0.text) }),
      "consumedOutputs": .array(milestone.consumed.map { .string($0.text) }),
    ]
  }

  /// An output as a node tells it that knows the milestones up to the newest.
  func json(_ output: Output, newest: Milestone) -> JSON {
    ["metadata": metadata(output, newest: newest), "output": Self.contents(output)]
  }

  func metadata(_ output: Output, newest: Milestone) -> JSON {
    guard let booked = output.booked else { return .null }
    var fields: [String: JSON] = [
      "blockId": .string(output.id.transaction.hex),
      "transactionId": .string(output.id.transaction.hex),
      "outputIndex": .int(Int64(output.id.index)),
      "milestoneIndexBooked": .int(Int64(milestones[booked].index)),
      "milestoneTimestampBooked": .int(Int64(milestones[booked].timeS)),
      "ledgerIndex": .int(Int64(newest.index)), "isSpent": false,
    ]
    if let spent = output.spent, milestones[spent].index <= newest.index,
      let spender = output.spender
    {
      fields["isSpent"] = true
      fields["milestoneIndexSpent"] = .int(Int64(milestones[spent].index))
      fields["milestoneTimestampSpent"] = .int(Int64(milestones[spent].timeS))
      fields["transactionIdSpent"] = .string(spender.hex)
    }
    return .object(fields)
  }

  private static func contents(_ output: Output) -> JSON {
    let order = output.order
    var fields: [String: JSON] = [
      "type": order.isNFT ? 6 : 3, "amount": .text(order.amount),
      "unlockConditions": .array(conditions(order)),
    ]
    let features = features(order)
    if !features.isEmpty { fields["features"] = .array(features) }
    if order.isNFT { fields["nftId"] = .string(zero) }
    return .object(fields)
  }

  private static func conditions(_ order: StardustOrder) -> [JSON] {
    let sender = StardustAddress.json(order.sender ?? order.to)
    var conditions: [JSON] = [["type": 0, "address": StardustAddress.json(order.to)]]
    if let amount = order.storageReturn {
      conditions.append(["type": 1, "returnAddress": sender, "amount": .text(amount)])
    }
    if let timeS = order.timelock {
      conditions.append(["type": 2, "unixTime": .int(Int64(timeS))])
    }
    if let timeS = order.expiration {
      conditions.append(["type": 3, "returnAddress": sender, "unixTime": .int(Int64(timeS))])
    }
    return conditions
  }

  private static func features(_ order: StardustOrder) -> [JSON] {
    var features: [JSON] = []
    if let sender = order.sender {
      features.append(["type": 0, "address": StardustAddress.json(sender)])
    }
    if let metadata = order.metadata {
      features.append(["type": 2, "data": .string("0x" + Hex.encode(metadata))])
    }
    if let tag = order.tag {
      features.append(["type": 3, "tag": .string("0x" + Hex.encode(tag))])
    }
    return features
  }
}

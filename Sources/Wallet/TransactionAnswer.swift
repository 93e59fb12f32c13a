public import PaywallCore

/// What a node says of one transaction, as far as a payer needs it (`showEffects`).
struct TransactionAnswer: Decodable {
  let digest: String?
  let effects: Effects?
  let checkpoint: NumberText?
  let timestampMs: NumberText?

  struct Effects: Decodable {
    let status: Status
    let gasUsed: GasUsed
  }

  struct Status: Decodable {
    let status: String
    let error: String?

    /// The reason of a failure, nil for success.
    var failure: String? { status == "success" ? nil : error ?? status }
  }
}

/// What a transaction cost, in NANOS.
public struct GasUsed: Hashable, Sendable {
  /// For computing.
  public var computationNanos: Nanos
  /// The deposit for the objects that it left.
  public var storageNanos: Nanos
  /// The deposit of the objects that it took away, paid back.
  public var rebateNanos: Nanos

  /// What the owner of the gas lost in all; below zero where the rebate is larger.
  public var netNanos: Nanos { computationNanos + storageNanos - rebateNanos }
}

extension GasUsed: Decodable {
  private enum CodingKeys: CodingKey { case computationCost, storageCost, storageRebate }

  /// Reads what `effects.gasUsed` holds.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func nanos(_ key: CodingKeys) throws -> Nanos {
      let number = try container.decode(NumberText.self, forKey: key).value
      // Keeps sums of the three from overflowing; the whole supply is below 2⁶² NANOS.
      guard number < 1 << 61 else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "more than there is")
      }
      return Nanos(number)
    }
    computationNanos = try nanos(.computationCost)
    storageNanos = try nanos(.storageCost)
    rebateNanos = try nanos(.storageRebate)
  }
}

internal import PaywallCore

/// A transaction as GraphQL tells it; all of it nullable in the schema.
struct GraphQLTransaction: Decodable, Sendable {
  struct Effects: Decodable, Sendable {
    struct Place: Decodable, Sendable {
      var sequenceNumber: Number
    }

    var status: String?
    var errors: String?
    var timestamp: String?
    var checkpoint: Place?
    var balanceChanges: Changes?
  }

  struct Changes: Decodable, Sendable {
    struct PageInfo: Decodable, Sendable {
      var hasNextPage: Bool
      var endCursor: String?
    }

    var pageInfo: PageInfo
    var nodes: [Lenient<Change>]
  }

  struct Change: Decodable, Sendable {
    struct Owner: Decodable, Sendable {
      var address: String
    }
    struct CoinType: Decodable, Sendable {
      var repr: String
    }

    var owner: Owner?
    var amount: String
    var coinType: CoinType
  }

  var digest: String?
  var bcs: String?
  var effects: Effects?
  /// What the node could not find out; beside the transaction, not in it.
  var problems: [String] = []

  private enum CodingKeys: CodingKey { case digest, bcs, effects }

  /// The transaction in the one form that is judged; nil where the node does not say which it is.
  var block: TransactionBlock? {
    guard let digest else { return nil }
    let (changes, problem) = effects?.balanceChanges?.whole ?? (nil, nil)
    return TransactionBlock(
      digest: digest, rawTransaction: bcs,
      effects: effects?.status.map { status in
        TransactionBlock.Effects(
          status: .init(status: Self.statuses[status] ?? status, error: effects?.errors))
      },
      balanceChanges: changes,
      timestampMs: effects?.timestamp.flatMap(RFC3339.milliseconds).flatMap { Number($0) },
      checkpoint: effects?.checkpoint?.sequenceNumber,
      errors: problems + (problem.map { [$0] } ?? []))
  }

  /// As JSON-RPC calls them.
  private static let statuses = ["SUCCESS": "success", "FAILURE": "failure"]
}

extension GraphQLTransaction.Changes {
  /// The changes, or why they are not to be relied on.
  fileprivate var whole: ([TransactionBlock.BalanceChange]?, problem: String?) {
    guard !pageInfo.hasNextPage else { return (nil, "the balance changes break off") }
    let changes = nodes.compactMap(\.value)
    guard changes.count == nodes.count else { return (nil, "a balance change cannot be read") }
    return (changes.map(\.balanceChange), nil)
  }
}

extension GraphQLTransaction.Change {
  /// Shared and immutable objects own without an address.
  fileprivate var balanceChange: TransactionBlock.BalanceChange {
    TransactionBlock.BalanceChange(
      owner: owner.map { .address($0.address) } ?? .other, coinType: coinType.repr, amount: amount)
  }
}

internal import HTTP
internal import PaywallCore

/// A node's GraphQL, as an indexer of IOTA Rebased serves it.
///
/// Source: iotaledger/iota, crates/iota-graphql-rpc.
struct GraphQLNode: RebasedNode {
  let endpoint: GraphQLEndpoint
  /// The most entries that the node puts on a page, but no more than an indexer does by default.
  private var pageSize = Self.usualPageSize

  private static let usualPageSize = 50
  /// Pages of one transaction's balance changes; more than a transaction can fill.
  private static let changePageLimit = 100

  var shownURL: ShownURL { endpoint.shownURL }

  init(endpoint: GraphQLEndpoint) {
    self.endpoint = endpoint
  }

  mutating func networkIdentifier() throws -> String {
    struct Answer: Decodable {
      struct Limits: Decodable {
        var maxPageSize: Int
        var maxTransactionIds: Int
      }

      var chainIdentifier: String
      var serviceConfig: Limits
    }
    let answer = try endpoint.query("Network", GraphQLText.network, as: Answer.self).data
    let limits = answer.serviceConfig
    pageSize = max(1, min(Self.usualPageSize, limits.maxPageSize, limits.maxTransactionIds))
    return answer.chainIdentifier
  }

  /// As elsewhere, an unknown cursor is refused; but one that names no transaction of the address
  /// gets an empty page, which no cursor of ours can lead to.
  func listing(to address: Address, after cursor: String?) throws -> ListingPage {
    struct Answer: Decodable {
      var transactionBlocks: GraphQLListing
    }
    var variables: [String: JSONValue] = [
      "address": .string(address.description), "size": .integer(Int64(pageSize)),
    ]
    if let cursor { variables["before"] = .string(cursor) }
    let page: ListingPage
    do {
      page = try query("Listing", GraphQLText.listing, variables, as: Answer.self).data
        .transactionBlocks.page
    } catch {
      guard cursor != nil, error.nodeCode == Self.badInput else { throw error }
      throw UnknownCursor(reason: error.reason)
    }
    guard cursor == nil || !page.entries.isEmpty || page.hasOddEntries || page.hasNextPage else {
      throw UnknownCursor(reason: "the node has nothing at its own cursor")
    }
    return page
  }

  func transactions(_ digests: [Digest]) throws -> [TransactionBlock] {
    var found: [GraphQLTransaction] = []
    for start in stride(from: 0, to: digests.count, by: pageSize) {
      let some = digests[start..<min(start + pageSize, digests.count)]
      found += try halvingRefused(Array(some), page)
    }
    var blocks: [TransactionBlock] = []
    for var transaction in found {
      do {
        try fetchRest(of: &transaction)
      } catch {
        // What is complete is kept, or many long ones would never be told in one go; a failure that
        // lasts shows at the next question.
        guard !error.isCancelled, !blocks.isEmpty else { throw error }
        return blocks
      }
      if let block = transaction.block { blocks.append(block) }
    }
    return blocks
  }

  /// A listing tells all that there is: what has no checkpoint there is in none.
  func checkpoints(of digests: [Digest]) -> [Digest: Checkpoint] { [:] }

  func latestCheckpoint() throws -> Checkpoint {
    struct Answer: Decodable {
      var checkpoint: GraphQLCheckpoint
    }
    return try query("LatestCheckpoint", GraphQLText.latestCheckpoint, [:], as: Answer.self)
      .data.checkpoint.value
  }

  /// A checkpoint holds one transaction at least, so one without any has been forgotten.
  func digests(inCheckpoint sequence: Int64) throws -> Set<Digest>? {
    struct Answer: Decodable {
      struct Connection: Decodable {
        struct Node: Decodable, Sendable {
          var digest: String
        }

        var nodes: [Lenient<Node>]
      }

      var transactionBlocks: Connection
    }
    let answer = try query(
      "InCheckpoint", GraphQLText.inCheckpoint,
      ["checkpoint": .integer(sequence), "size": .integer(Int64(pageSize))], as: Answer.self)
    let digests = answer.data.transactionBlocks.nodes.compactMap { node in
      node.value.flatMap { Digest($0.digest) }
    }
    return digests.isEmpty ? nil : Set(digests)
  }

  private func page(_ digests: [Digest]) throws(GraphQLError) -> [GraphQLTransaction] {
    struct Answer: Decodable {
      struct Connection: Decodable {
        var nodes: [Lenient<GraphQLTransaction>]
      }

      var transactionBlocks: Connection
    }
    let answer = try query(
      "Transactions", GraphQLText.transactions,
      [
        "digests": .array(digests.map { .string($0.description) }),
        "size": .integer(Int64(pageSize)),
      ], as: Answer.self)
    return answer.data.transactionBlocks.nodes.enumerated().compactMap { index, node in
      guard var transaction = node.value else { return nil }
      let place: [JSONValue] = ["transactionBlocks", "nodes", .integer(Int64(index))]
      transaction.problems = answer.problems.filter { $0.path.starts(with: place) }.map(\.message)
      return transaction
    }
  }

  /// Follows the balance changes to their last page.
  private func fetchRest(of transaction: inout GraphQLTransaction) throws(GraphQLError) {
    struct Answer: Decodable {
      struct Effects: Decodable {
        var balanceChanges: GraphQLTransaction.Changes
      }
      struct Transaction: Decodable {
        var effects: Effects
      }

      var transactionBlock: Transaction
    }
    guard let digest = transaction.digest, var changes = transaction.effects?.balanceChanges else {
      return
    }
    var pageCount = 1
    while changes.pageInfo.hasNextPage {
      guard pageCount < Self.changePageLimit, let cursor = changes.pageInfo.endCursor else { break }
      do {
        let next = try query(
          "BalanceChanges", GraphQLText.balanceChanges,
          [
            "digest": .string(digest), "after": .string(cursor),
            "size": .integer(Int64(pageSize)),
          ], as: Answer.self
        ).data.transactionBlock.effects.balanceChanges
        guard !next.nodes.isEmpty, next.pageInfo.endCursor != cursor else { break }
        changes.nodes += next.nodes
        changes.pageInfo = next.pageInfo
      } catch {
        guard error.isRefusal else { throw error }
        transaction.problems.append(error.reason)
        break
      }
      pageCount += 1
    }
    transaction.effects?.balanceChanges = changes
  }

  private func query<Answer: Decodable>(
    _ name: String, _ text: String, _ variables: [String: JSONValue], as type: Answer.Type
  ) throws(GraphQLError) -> GraphQLAnswer<Answer> {
    try repeatingBroken { () throws(GraphQLError) in
      try endpoint.query(name, text, variables: variables, as: type)
    }
  }

  /// Source: iotaledger/iota, crates/iota-graphql-rpc/src/error.rs.
  private static let badInput = "BAD_USER_INPUT"
}

extension GraphQLError: NodeError {
  var isRefusal: Bool { code == .node && nodeCode != "REQUEST_TIMEOUT" }

  var isTooLarge: Bool { transport?.code == .tooLarge }

  var isBroken: Bool {
    switch code {
    case .transport: transport?.code == .connectionLost
    case .status: (status ?? 0) >= 500 && retryAfterSeconds == nil
    default: code == .invalidResponse
    }
  }
}

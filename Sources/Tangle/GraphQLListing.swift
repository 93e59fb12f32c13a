internal import PaywallCore

/// A page of transactions as GraphQL lists them, oldest first.
struct GraphQLListing: Decodable {
  struct PageInfo: Decodable {
    var hasPreviousPage: Bool
    var startCursor: String?
  }

  struct Edge: Decodable, Sendable {
    struct Node: Decodable, Sendable {
      struct Effects: Decodable, Sendable {
        var timestamp: String?
        var checkpoint: GraphQLTransaction.Effects.Place?
      }

      var digest: String
      var effects: Effects?
    }

    var cursor: String
    var node: Node
  }

  var pageInfo: PageInfo
  var edges: [Lenient<Edge>]

  /// The page, newest first.
  var page: ListingPage {
    let entries = edges.reversed().compactMap { $0.value?.entry }
    return ListingPage(
      entries: entries, hasOddEntries: entries.count < edges.count,
      nextCursor: pageInfo.startCursor, hasNextPage: pageInfo.hasPreviousPage)
  }
}

extension GraphQLListing.Edge {
  fileprivate var entry: ListingPage.Entry? {
    guard let digest = Digest(node.digest) else { return nil }
    var checkpoint: Checkpoint?
    if let sequence = node.effects?.checkpoint?.sequenceNumber,
      let timeMs = node.effects?.timestamp.flatMap(RFC3339.milliseconds)
    {
      checkpoint = Checkpoint(sequence: sequence.value, timeMs: timeMs)
    }
    return ListingPage.Entry(digest: digest, cursor: cursor, checkpoint: checkpoint)
  }
}

/// A checkpoint, whose time is required.
struct GraphQLCheckpoint: Decodable {
  let value: Checkpoint

  private enum CodingKeys: CodingKey { case sequenceNumber, timestamp }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let sequence = try container.decode(Number.self, forKey: .sequenceNumber)
    let text = try container.decode(String.self, forKey: .timestamp)
    guard let timeMs = RFC3339.milliseconds(text) else {
      throw DecodingError.dataCorruptedError(
        forKey: .timestamp, in: container, debugDescription: "not a moment as RFC 3339 writes it")
    }
    value = Checkpoint(sequence: sequence.value, timeMs: timeMs)
  }
}

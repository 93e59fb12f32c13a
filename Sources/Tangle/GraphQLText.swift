/// The queries for what payments need.
///
/// They keep to fields that nodes have had from the first to the latest version, and are short: an
/// indexer takes 5000 bytes, of which the digests of fifty transactions fill half.
///
/// Source: iotaledger/iota, crates/iota-graphql-rpc/schema.graphql.
enum GraphQLText {
  static let network = """
    query Network {
      chainIdentifier
      serviceConfig { maxPageSize maxTransactionIds }
    }
    """

  static let latestCheckpoint = """
    query LatestCheckpoint {
      checkpoint { sequenceNumber timestamp }
    }
    """

  /// Within a page the order is that of execution, so the newest is the last.
  static let listing = """
    query Listing($address: IotaAddress!, $size: Int!, $before: String) {
      transactionBlocks(last: $size, before: $before, filter: {recvAddress: $address}) {
        pageInfo { hasPreviousPage startCursor }
        edges {
          cursor
          node { digest effects { timestamp checkpoint { sequenceNumber } } }
        }
      }
    }
    """

  static let transactions = """
    query Transactions($digests: [String!]!, $size: Int!) {
      transactionBlocks(first: $size, filter: {transactionIds: $digests}) {
        nodes {
          digest
          bcs
          effects {
            status
            errors
            timestamp
            checkpoint { sequenceNumber }
            balanceChanges(first: $size) {
              pageInfo { hasNextPage endCursor }
              nodes { owner { address } amount coinType { repr } }
            }
          }
        }
      }
    }
    """

  static let inCheckpoint = """
    query InCheckpoint($checkpoint: UInt53!, $size: Int!) {
      transactionBlocks(first: $size, filter: {atCheckpoint: $checkpoint}) {
        nodes { digest }
      }
    }
    """

  static let balanceChanges = """
    query BalanceChanges($digest: String!, $size: Int!, $after: String!) {
      transactionBlock(digest: $digest) {
        effects {
          balanceChanges(first: $size, after: $after) {
            pageInfo { hasNextPage endCursor }
            nodes { owner { address } amount coinType { repr } }
          }
        }
      }
    }
    """
}

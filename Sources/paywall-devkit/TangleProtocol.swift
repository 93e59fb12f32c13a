import ArgumentParser

/// Which IOTA a tangle is of.
enum TangleProtocol: String, ExpressibleByArgument, CaseIterable {
  /// JSON-RPC of Rebased.
  case rebasedJSONRPC = "rebased-jsonrpc"
  /// GraphQL of Rebased.
  case rebasedGraphQL = "rebased-graphql"
  /// REST of Stardust.
  case stardust
}

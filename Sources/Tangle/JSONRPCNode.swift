internal import HTTP
internal import PaywallCore

/// A node's JSON-RPC.
///
/// Source: iotaledger/iota, crates/iota-open-rpc/spec/openrpc.json.
struct JSONRPCNode: RebasedNode {
  let endpoint: JSONRPCEndpoint

  var shownURL: ShownURL { endpoint.shownURL }

  /// The most digests that a page or a request for transactions may hold.
  private static let pageSize = 50

  func networkIdentifier() throws -> String {
    try endpoint.call("iota_getChainIdentifier", [String](), as: String.self)
  }

  func listing(to address: Address, after cursor: String?) throws -> ListingPage {
    let query: JSONValue = ["filter": ["ToAddress": .string(address.description)]]
    let place = cursor.map(JSONValue.string) ?? .null
    let params: [JSONValue] = [query, place, .integer(Int64(Self.pageSize)), true]
    do {
      return try call("iotax_queryTransactionBlocks", params, as: JSONRPCListing.self).page
    } catch {
      guard cursor != nil, error.code == .node, error.nodeCode == Self.invalidParameters else {
        throw error
      }
      throw UnknownCursor(reason: error.reason)
    }
  }

  func transactions(_ digests: [Digest]) throws -> [TransactionBlock] {
    try blocks(
      digests,
      options: ["showRawInput": true, "showEffects": true, "showBalanceChanges": true])
  }

  func checkpoints(of digests: [Digest]) throws -> [Digest: Checkpoint] {
    var checkpoints: [Digest: Checkpoint] = [:]
    for block in try blocks(digests, options: [:]) {
      guard let digest = Digest(block.digest), let sequence = block.checkpoint,
        let timeMs = block.timestampMs
      else { continue }
      checkpoints[digest] = Checkpoint(sequence: sequence.value, timeMs: timeMs.value)
    }
    return checkpoints
  }

  func latestCheckpoint() throws -> Checkpoint {
    struct Answer: Decodable {
      var timestampMs: Number
    }
    let sequence = try call("iota_getLatestCheckpointSequenceNumber", [], as: Number.self)
    let number = JSONValue.string("\(sequence.value)")
    let answer = try call("iota_getCheckpoint", [number], as: Answer.self)
    return Checkpoint(sequence: sequence.value, timeMs: answer.timestampMs.value)
  }

  func digests(inCheckpoint sequence: Int64) throws -> Set<Digest>? {
    struct Answer: Decodable {
      var transactions: [String]
    }
    do {
      let number = JSONValue.string("\(sequence)")
      let answer = try call("iota_getCheckpoint", [number], as: Answer.self)
      return Set(answer.transactions.compactMap { Digest($0) })
    } catch {
      guard error.isRefusal else { throw error }
      return nil
    }
  }

  private func blocks(
    _ digests: [Digest], options: JSONValue
  ) throws(JSONRPCError) -> [TransactionBlock] {
    try halvingRefused(digests) { digests throws(JSONRPCError) in
      let params: [JSONValue] = [.array(digests.map { .string($0.description) }), options]
      return try call(
        "iota_multiGetTransactionBlocks", params, as: [Lenient<TransactionBlock>].self
      ).compactMap(\.value)
    }
  }

  private func call<Result: Decodable>(
    _ method: String, _ params: [JSONValue], as type: Result.Type
  ) throws(JSONRPCError) -> Result {
    try repeatingBroken { () throws(JSONRPCError) in
      try endpoint.call(method, params, as: type)
    }
  }

  private static let invalidParameters = -32602
  /// "Try again later" (iotaledger/iota, crates/iota-json-rpc/src/error.rs).
  fileprivate static let transientError = -32050
}

extension JSONRPCError: NodeError {
  var isRefusal: Bool { code == .node && nodeCode != JSONRPCNode.transientError }

  var isTooLarge: Bool { transport?.code == .tooLarge }

  var isBroken: Bool {
    switch code {
    case .transport: transport?.code == .connectionLost
    case .status: (status ?? 0) >= 500 && retryAfterSeconds == nil
    default: code == .invalidResponse
    }
  }
}

internal import HTTP
internal import PaywallCore

/// The questions that payments need, in the JSON-RPC of IOTA Rebased.
///
/// Source: iotaledger/iota, crates/iota-open-rpc/spec/openrpc.json.
struct RebasedNode {
  let endpoint: JSONRPCEndpoint

  /// The most digests that a page or a request for transactions may hold.
  static let pageSize = 50

  /// Digests of transactions that touched an address, newest first.
  struct DigestPage: Decodable {
    struct Entry: Decodable, Sendable {
      var digest: String
    }

    var data: [Lenient<Entry>]
    var nextCursor: String?
    var hasNextPage: Bool
  }

  /// The page after the cursor, or the newest one.
  func digests(to address: Address, after cursor: String?) throws(JSONRPCError) -> DigestPage {
    let query: JSONValue = ["filter": ["ToAddress": .string(address.description)]]
    let page = cursor.map(JSONValue.string) ?? .null
    let params: [JSONValue] = [query, page, .integer(Int64(Self.pageSize)), true]
    return try call("iotax_queryTransactionBlocks", params, as: DigestPage.self)
  }

  /// What the node tells about the transactions, in no certain order; some may be missing.
  func transactions(_ digests: [Digest]) throws(JSONRPCError) -> [TransactionBlock] {
    try blocks(
      digests,
      options: ["showRawInput": true, "showEffects": true, "showBalanceChanges": true])
  }

  /// The checkpoints of those of the transactions that have one.
  func checkpoints(of digests: [Digest]) throws(JSONRPCError) -> [Digest: Checkpoint] {
    var checkpoints: [Digest: Checkpoint] = [:]
    for block in try blocks(digests, options: [:]) {
      guard let digest = Digest(block.digest), let sequence = block.checkpoint,
        let timeMs = block.timestampMs
      else { continue }
      checkpoints[digest] = Checkpoint(sequence: sequence.value, timeMs: timeMs.value)
    }
    return checkpoints
  }

  /// The newest checkpoint.
  func latestCheckpoint() throws(JSONRPCError) -> Checkpoint {
    struct Answer: Decodable {
      var timestampMs: Number
    }
    let sequence = try call("iota_getLatestCheckpointSequenceNumber", [], as: Number.self)
    let number = JSONValue.string("\(sequence.value)")
    let answer = try call("iota_getCheckpoint", [number], as: Answer.self)
    return Checkpoint(sequence: sequence.value, timeMs: answer.timestampMs.value)
  }

  private func blocks(
    _ digests: [Digest], options: JSONValue
  ) throws(JSONRPCError) -> [TransactionBlock] {
    let params: [JSONValue] = [.array(digests.map { .string($0.description) }), options]
    do {
      return try call(
        "iota_multiGetTransactionBlocks", params, as: [Lenient<TransactionBlock>].self
      ).compactMap(\.value)
    } catch {
      // One digest that the node cannot answer must not hide the others.
      guard error.code == .node, error.nodeCode != Self.transientError, digests.count > 1 else {
        throw error
      }
      return try halves(digests, options: options)
    }
  }

  private func halves(
    _ digests: [Digest], options: JSONValue
  ) throws(JSONRPCError) -> [TransactionBlock] {
    var found: [TransactionBlock] = []
    for half in [digests.prefix(digests.count / 2), digests.dropFirst(digests.count / 2)] {
      do {
        found += try blocks(Array(half), options: options)
      } catch {
        guard error.code == .node, error.nodeCode != Self.transientError, half.count == 1 else {
          throw error
        }
      }
    }
    return found
  }

  /// Asks once more where an answer was broken: a long history takes thousands of requests, of
  /// which one may well fail.
  private func call<Result: Decodable>(
    _ method: String, _ params: [JSONValue], as type: Result.Type
  ) throws(JSONRPCError) -> Result {
    do {
      return try endpoint.call(method, params, as: type)
    } catch {
      guard error.isBroken else { throw error }
      return try endpoint.call(method, params, as: type)
    }
  }

  /// "Try again later" (iotaledger/iota, crates/iota-json-rpc/src/error.rs).
  private static let transientError = -32050
}

extension JSONRPCError {
  /// Whether the answer broke on its way, so that the same question may be answered at once.
  fileprivate var isBroken: Bool {
    switch code {
    case .transport: transport?.code == .connectionLost
    case .status: (status ?? 0) >= 500 && retryAfterSeconds == nil
    default: code == .invalidResponse
    }
  }
}

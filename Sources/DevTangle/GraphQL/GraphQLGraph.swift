import Foundation
import IOTACrypto
import PaywallCore

/// The graph that an indexer shows of a node's chain, with its faults.
///
/// Source: iotaledger/iota, crates/iota-graphql-rpc/schema.graphql and src/types.
struct GraphQLGraph {
  let node: Node
  let nowMs: Int64
  let faults: [Fault]
  /// Decides how pages are shuffled.
  let seed: UInt64

  private func has(_ kind: Fault.Kind) -> Bool { faults.contains { $0.kind == kind } }

  /// The `Query` that everything begins with.
  var root: GraphQLObject {
    GraphQLObject("Query") { (name, arguments) throws(GraphQLRefusal) -> GraphQLNode? in
      switch name {
      case "chainIdentifier":
        let network = JSON.string(node.chainIdentifier)
        let shown = faults.last { $0.kind == .wrongNetwork }.map { $0.anotherNetwork(network) }
        return .leaf(shown ?? network)
      case "serviceConfig": return .object(serviceConfig)
      case "availableRange":
        return .object(
          GraphQLObject(
            "AvailableRange",
            [
              "first": .nullable(show(node.chain.checkpoints[0])),
              "last": .nullable(show(node.chain.latest)),
            ]))
      case "checkpoint": return try checkpoint(arguments).map { .nullable(show($0)) } ?? .null
      case "transactionBlock":
        guard let digest = try arguments.string("digest").flatMap({ Digest($0) }) else {
          throw .input("Invalid value for argument \"digest\"")
        }
        let found = indexed(asOf: node.chain.latest.sequenceNumber)
          .first { $0.transaction.digest == digest }
        return found.map { .nullable(show($0.transaction)) } ?? .null
      case "transactionBlocks": return .object(try transactions(arguments))
      default: return nil
      }
    }
  }

  private var serviceConfig: GraphQLObject {
    let limits = [
      "maxQueryDepth": GraphQLLimits.depth, "maxQueryPayloadSize": GraphQLLimits.payloadSize,
      "defaultPageSize": GraphQLLimits.defaultPageSize, "maxPageSize": GraphQLLimits.pageSize,
      "maxTransactionIds": GraphQLLimits.transactionIDs,
    ]
    return GraphQLObject("ServiceConfig", limits.mapValues { .leaf(.int(Int64($0))) })
  }

  private func checkpoint(_ arguments: GraphQLArguments) throws(GraphQLRefusal) -> Checkpoint? {
    guard let id = arguments["id"] else { return node.chain.latest }
    if let digest = id["digest"]?.string.flatMap({ Digest($0) }) {
      return node.chain.checkpoints.last { $0.digest == digest }
    }
    guard let number = id["sequenceNumber"]?.int.flatMap({ UInt64(exactly: $0) }) else {
      throw .input("Invalid value for argument \"id\"")
    }
    return node.chain.checkpoint(number)
  }

  /// What is in a checkpoint and has been indexed, with its place in the order of execution.
  private func indexed(asOf viewedAt: UInt64) -> [(place: Int, transaction: ExecutedTransaction)] {
    let transactions = node.chain.transactions
    let kept = (node.firstUnpruned..<transactions.count).map { ($0, transactions[$0]) }
    return kept.filter { _, executed in
      let (ageMs, overflow) = nowMs.subtractingReportingOverflow(executed.executedAtMs)
      guard overflow || ageMs >= node.indexLagMs, let number = executed.checkpoint else {
        return false
      }
      return number <= viewedAt
    }
  }

  private func transactions(_ arguments: GraphQLArguments) throws(GraphQLRefusal) -> GraphQLObject {
    var viewedAt = node.chain.latest.sequenceNumber
    for name in ["after", "before"] {
      guard let cursor = try arguments.string(name) else { continue }
      viewedAt = try GraphQLConnection.Cursor(cursor).viewedAt
    }
    let filter = try GraphQLTransactionFilter(arguments["filter"])
    let matching = indexed(asOf: viewedAt).filter { filter.matches($0.transaction) }
    let connection = GraphQLConnection(
      type: "TransactionBlock", items: matching.map { ($0.place, show($0.transaction)) },
      viewedAt: viewedAt, hidesCursors: has(.nullCursor), spoil: spoil)
    return try connection.page(arguments)
  }

  private func spoil(_ page: [GraphQLNode]) -> [GraphQLNode] {
    var page = page
    var random = SeededGenerator(seed: seed)
    for fault in faults {
      switch fault.kind {
      case .duplicate: page = page.flatMap { [$0, $0] }
      case .reorder: page.shuffle(using: &random)
      default: break
      }
    }
    return page
  }

  private func show(_ checkpoint: Checkpoint) -> GraphQLObject {
    GraphQLObject(
      "Checkpoint",
      [
        "sequenceNumber": .leaf(.int(Int64(clamping: checkpoint.sequenceNumber))),
        "digest": .leaf(.text(checkpoint.digest)), "timestamp": .leaf(time(checkpoint.timestampMs)),
        "previousCheckpointDigest": .leaf(checkpoint.previousDigest.map { .text($0) } ?? .null),
        "networkTotalTransactions": .leaf(
          .int(Int64(clamping: checkpoint.networkTotalTransactions))),
      ])
  }

  private func show(_ executed: ExecutedTransaction) -> GraphQLObject {
    GraphQLObject(
      "TransactionBlock",
      [
        "digest": .leaf(.text(executed.digest)), "bcs": .leaf(executed.rawJSON),
        "sender": .nullable(Self.address(executed.transaction.sender, "Address")),
        "signatures": .leaf(
          .array(executed.signed.signatures.map { .string(Base64.encode($0)) })),
        "effects": .nullable(effects(of: executed)),
      ])
  }

  private func effects(of executed: ExecutedTransaction) -> GraphQLObject {
    let place = executed.checkpoint.flatMap { node.chain.checkpoint($0) }
    return GraphQLObject("TransactionBlockEffects") {
      (name, arguments) throws(GraphQLRefusal) -> GraphQLNode? in
      switch name {
      case "status": return .leaf(executed.failure == nil ? "SUCCESS" : "FAILURE")
      case "errors": return .leaf(executed.failure.map { .string($0) } ?? .null)
      case "timestamp": return .leaf(place.map { time($0.timestampMs) } ?? .null)
      case "checkpoint": return place.map { .nullable(show($0)) } ?? .null
      case "balanceChanges":
        guard !has(.missingBalanceChanges) else {
          throw .missing("Internal error occurred while processing request: no balance changes")
        }
        let changes = executed.balanceChanges.map { Self.show($0.owner, $0.amount) }
        let connection = GraphQLConnection(
          type: "BalanceChange",
          items: changes.enumerated().map { ($0.offset, $0.element) },
          viewedAt: node.chain.latest.sequenceNumber, hidesCursors: has(.nullCursor))
        return .object(try connection.page(arguments))
      default: return nil
      }
    }
  }

  private static func show(_ owner: Address, _ amount: Int64) -> GraphQLObject {
    let coinType = Coin.coinType.replacing(
      "0x2::", with: "0x\(String(repeating: "0", count: 63))2::")
    return GraphQLObject(
      "BalanceChange",
      [
        "owner": .nullable(address(owner, "Owner")), "amount": .leaf(.text(amount)),
        "coinType": .nullable(GraphQLObject("MoveType", ["repr": .leaf(.string(coinType))])),
      ])
  }

  private static func address(_ address: Address, _ type: String) -> GraphQLObject {
    GraphQLObject(type, ["address": .leaf(.text(address))])
  }

  /// A time as nodes write it: without milliseconds where there are none.
  private func time(_ timeMs: Int64) -> JSON {
    let skew = faults.filter { $0.kind == .timeSkew }.reduce(0) { $0 &+ $1.effectiveValue }
    let shownMs = timeMs.addingReportingOverflow(skew).partialValue
    let isWhole = shownMs.isMultiple(of: 1000)
    return .string(
      Date(timeIntervalSince1970: Double(shownMs) / 1000)
        .ISO8601Format(.init(includingFractionalSeconds: !isWhole)))
  }
}

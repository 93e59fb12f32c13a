import Foundation
import HTTP
import Tangle

/// The protocols that a fake node speaks.
typealias API = RebasedSource.NodeProtocol

/// A query in GraphQL as the call in JSON-RPC that asks the same, and the answer back again, so that
/// a fake node misbehaves alike in both.
struct GraphQLQuery {
  private enum Operation: String {
    case network = "Network"
    case latestCheckpoint = "LatestCheckpoint"
    case listing = "Listing"
    case transactions = "Transactions"
    case balanceChanges = "BalanceChanges"
  }

  private let operation: Operation
  private let variables: JSONValue

  init?(_ request: JSONValue) {
    guard
      let name = request["query"]?.text?.firstMatch(of: /^query (\w+)/)?.output.1,
      let operation = Operation(rawValue: String(name))
    else { return nil }
    self.operation = operation
    variables = request["variables"] ?? [:]
  }

  var method: String {
    switch operation {
    case .network: "iota_getChainIdentifier"
    case .latestCheckpoint: "iota_getCheckpoint"
    case .listing: "iotax_queryTransactionBlocks"
    case .transactions, .balanceChanges: "iota_multiGetTransactionBlocks"
    }
  }

  var params: [JSONValue] {
    switch operation {
    case .network: []
    case .latestCheckpoint: ["42"]
    case .listing: [nil, variables["before"]?.text.flatMap(Self.digest) ?? nil, 50, true]
    case .transactions: [variables["digests"] ?? nil, ["showEffects": true]]
    case .balanceChanges: [[variables["digest"] ?? nil], ["showEffects": true]]
    }
  }

  /// The body that stands for what a node of JSON-RPC would answer.
  func answer(_ reply: FakeNode.Reply, _ state: FakeNode.State) -> JSONValue? {
    if case .integer(let size) = variables["size"], size > state.graphQLPageSize {
      return errors([
        "code": -32602, "message": .string("Connection's page size of \(size) exceeds max"),
      ])
    }
    return switch reply {
    case .result(let result): data(result, state) ?? ["data": result]
    case .error(let error): errors(error)
    case .http, .close: nil
    }
  }

  private func errors(_ error: JSONValue) -> JSONValue {
    guard case .integer(let number) = error["code"] else { return ["data": nil, "errors": error] }
    // As an indexer does, for a cursor that it does not know.
    if error["message"]?.text?.hasPrefix("Could not find") == true, operation == .listing {
      return Self.listing([], hasMore: false, next: nil)
    }
    let codes: [Int64: JSONValue] = [-32602: "BAD_USER_INPUT", -32050: "REQUEST_TIMEOUT"]
    return [
      "data": nil,
      "errors": [
        [
          "message": error["message"] ?? "",
          "extensions": ["code": codes[number] ?? "INTERNAL_SERVER_ERROR"],
        ]
      ],
    ]
  }

  private func data(_ result: JSONValue, _ state: FakeNode.State) -> JSONValue? {
    switch operation {
    case .network:
      guard result.text != nil else { return nil }
      let limit = JSONValue.integer(Int64(state.graphQLPageSize))
      return [
        "data": [
          "chainIdentifier": result,
          "serviceConfig": ["maxPageSize": limit, "maxTransactionIds": 1000],
        ]
      ]
    case .latestCheckpoint:
      return result["sequenceNumber"]?.text.map { _ in ["data": ["checkpoint": Self.place(result)]]
      }
    case .listing:
      guard case .bool(let hasMore) = result["hasNextPage"] else { return nil }
      let entries = result["data"]?.elements ?? []
      let wanted = Set(entries.compactMap { $0["digest"] })
      let blocks = Dictionary(
        state.blocks.filter { wanted.contains($0["digest"] ?? nil) }.map { ($0["digest"], $0) }
      ) { $1 }
      return Self.listing(
        entries.map { blocks[$0["digest"]] ?? $0 }, hasMore: hasMore,
        next: result["nextCursor"]?.text)
    case .transactions:
      guard case .array(let blocks) = result else { return nil }
      return transactions(blocks, state)
    case .balanceChanges:
      guard case .array(let blocks) = result, let block = blocks.first else { return nil }
      let after = variables["after"]?.text.flatMap { Int($0) }
      let changes = Self.changes(block, after: after, state.graphQLPageSize)
      return ["data": ["transactionBlock": ["effects": ["balanceChanges": changes]]]]
    }
  }

  private static func listing(_ blocks: [JSONValue], hasMore: Bool, next: String?) -> JSONValue {
    let edges = blocks.reversed().map { block -> JSONValue in
      [
        "cursor": block["digest"]?.text.map { .string(cursor($0)) } ?? nil,
        "node": ["digest": block["digest"] ?? nil, "effects": place(block, in: "checkpoint")],
      ]
    }
    return [
      "data": [
        "transactionBlocks": [
          "pageInfo": [
            "hasPreviousPage": .bool(hasMore),
            "startCursor": next.map { .string(cursor($0)) } ?? nil,
          ], "edges": .array(edges),
        ]
      ]
    ]
  }

  private func transactions(_ blocks: [JSONValue], _ state: FakeNode.State) -> JSONValue {
    var errors: [JSONValue] = []
    let nodes = blocks.enumerated().map { index, block -> JSONValue in
      guard block["digest"] != nil else { return block }
      var node: JSONValue = [
        "digest": block["digest"] ?? nil, "bcs": block["rawTransaction"] ?? nil, "effects": nil,
      ]
      guard let status = block["effects"]?["status"]?["status"]?.text,
        block["balanceChanges"] != nil
      else {
        errors.append([
          "message": block["errors"]?.elements.first ?? "Failed to fetch balance changes",
          "path": ["transactionBlocks", "nodes", .integer(Int64(index)), "effects"],
        ])
        return node
      }
      var effects = Self.place(block, in: "checkpoint")
      effects["status"] = .string(status.uppercased())
      effects["errors"] = block["effects"]?["status"]?["error"] ?? nil
      effects["balanceChanges"] = Self.changes(block, after: nil, state.graphQLPageSize)
      node["effects"] = effects
      return node
    }
    let data: JSONValue = ["transactionBlocks": ["nodes": .array(nodes)]]
    return errors.isEmpty ? ["data": data] : ["data": data, "errors": .array(errors)]
  }

  /// Checkpoint and time.
  private static func place(_ block: JSONValue, in key: String? = nil) -> JSONValue {
    let number = (block["checkpoint"] ?? block["sequenceNumber"])?.text.flatMap { Int64($0) }
    let time = block["timestampMs"]?.text.flatMap { Int64($0) }.map { timeMs in
      Date(timeIntervalSince1970: Double(timeMs) / 1000)
        .ISO8601Format(.init(includingFractionalSeconds: !timeMs.isMultiple(of: 1000)))
    }
    let timestamp = time.map(JSONValue.string) ?? nil
    let sequence = number.map(JSONValue.integer) ?? nil
    guard let key else { return ["sequenceNumber": sequence, "timestamp": timestamp] }
    return ["timestamp": timestamp, key: number == nil ? nil : ["sequenceNumber": sequence]]
  }

  private static func changes(_ block: JSONValue, after: Int?, _ size: Int) -> JSONValue {
    let all = block["balanceChanges"]?.elements ?? []
    let start = after.map { $0 + 1 } ?? 0
    let page = all.dropFirst(start).prefix(size)
    let nodes = page.map { change -> JSONValue in
      guard change["amount"] != nil else { return change }
      let owner = change["owner"]?["AddressOwner"]
      return [
        "owner": owner.map { ["address": $0] } ?? nil, "amount": change["amount"] ?? nil,
        "coinType": ["repr": .string(longForm(change["coinType"]?.text ?? ""))],
      ]
    }
    return [
      "pageInfo": [
        "hasNextPage": .bool(start + page.count < all.count),
        "endCursor": .string("\(start + page.count - 1)"),
      ], "nodes": .array(nodes),
    ]
  }

  /// `0x2::iota::IOTA` with all of its zeros.
  private static func longForm(_ coinType: String) -> String {
    coinType.replacing(/^0x0*2::/, with: "0x" + String(repeating: "0", count: 63) + "2::")
  }

  private static func cursor(_ digest: String) -> String {
    Data(#"{"c":42,"t":"\#(digest)","i":false}"#.utf8).base64EncodedString()
  }

  private static func digest(_ cursor: String) -> JSONValue? {
    Data(base64Encoded: cursor).flatMap { try? JSONDecoder().decode(JSONValue.self, from: $0) }?[
      "t"]
  }
}

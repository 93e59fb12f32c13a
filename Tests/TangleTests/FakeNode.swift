import Foundation
import HTTP
import Synchronization
import TestSupport

/// A node that answers from a list of transactions, in whichever protocol it is asked, and misbehaves
/// as it is told.
final class FakeNode: Sendable {
  enum Reply {
    case result(JSONValue)
    case error(JSONValue)
    case http(status: String, headers: [String] = [], body: String)
    case close
  }

  struct State {
    var network = "6364aad5"
    /// Oldest first, as the node would list them.
    var blocks: [JSONValue] = []
    /// How many of the newest are not in the index yet.
    var indexLag = 0
    var pageSize = 50
    /// The most entries of a page of GraphQL, of transactions asked for and of balance changes.
    var graphQLPageSize = 50
    /// How the node answers a request otherwise than it should.
    var misbehave: (@Sendable (_ method: String, _ params: [JSONValue]) -> Reply?)?
    var calls: [String] = []
    var largestRequest = 0
    var connectionCount = 0
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  private let shared = Shared()
  private let server: LoopbackServer

  var url: String { server.url() }

  init(blocks: [JSONValue] = []) throws {
    let shared = shared
    server = try LoopbackServer { connection in
      shared.state.withLock { $0.connectionCount += 1 }
      while let request = connection.readRequest() {
        guard let call = try? JSONDecoder().decode(JSONValue.self, from: Data(request.body)) else {
          return
        }
        let query = GraphQLQuery(call)
        guard let method = query?.method ?? call["method"]?.text else { return }
        let params = query?.params ?? call["params"]?.elements ?? []
        let misbehave = shared.state.withLock { state in
          state.calls.append(method)
          state.largestRequest = max(state.largestRequest, request.body.count)
          return state.misbehave
        }
        let reply =
          misbehave?(method, params) ?? shared.state.withLock { $0.answer(method, params) }
        let body =
          query.map { query in shared.state.withLock { query.answer(reply, $0) } }
          ?? reply.body(id: call["id"] ?? .null)
        guard connection.send(reply, body) else { return }
      }
    }
    update { $0.blocks = blocks }
  }

  func update(_ change: (inout State) -> Void) {
    shared.state.withLock { change(&$0) }
  }

  var calls: [String] { shared.state.withLock(\.calls) }
  /// In bytes.
  var largestRequest: Int { shared.state.withLock(\.largestRequest) }

  var connectionCount: Int { shared.state.withLock(\.connectionCount) }
}

extension FakeNode.State {
  func answer(_ method: String, _ params: [JSONValue]) -> FakeNode.Reply {
    switch method {
    case "iota_getChainIdentifier": .result(.string(network))
    case "iota_getLatestCheckpointSequenceNumber": .result("42")
    case "iota_getCheckpoint":
      params == ["42"]
        ? .result(["sequenceNumber": "42", "timestampMs": "1795300010500"])
        : .error(["code": -32602])
    case "iotax_queryTransactionBlocks": page(after: params.dropFirst().first?.text)
    case "iota_multiGetTransactionBlocks": transactions(params.first?.elements ?? [], params)
    default: .error(["code": -32601, "message": "Method not found"])
    }
  }

  /// Newest first, as the source asks.
  private func page(after cursor: String?) -> FakeNode.Reply {
    let digests = blocks.dropLast(indexLag).reversed().compactMap { $0["digest"]?.text }
    var start = 0
    if let cursor {
      guard let index = digests.firstIndex(of: cursor) else {
        let message = "Could not find the referenced transaction [TransactionDigest(\(cursor))]."
        return .error(["code": -32602, "message": .string(message)])
      }
      start = index + 1
    }
    let page = digests[start...].prefix(pageSize)
    let next = page.last ?? cursor
    return .result([
      "data": .array(page.map { ["digest": .string($0)] }),
      "nextCursor": next.map(JSONValue.string) ?? .null,
      "hasNextPage": .bool(start + page.count < digests.count),
    ])
  }

  private func transactions(_ digests: [JSONValue], _ params: [JSONValue]) -> FakeNode.Reply {
    let wanted = Set(digests)
    let found = blocks.filter { wanted.contains($0["digest"] ?? .null) }
    guard params.last == [:] else { return .result(.array(found)) }
    return .result(
      .array(
        found.map {
          var short: JSONValue = ["digest": $0["digest"] ?? .null]
          short["checkpoint"] = $0["checkpoint"]
          short["timestampMs"] = $0["timestampMs"]
          return short
        }))
  }
}

extension FakeNode.Reply {
  /// The body in JSON-RPC.
  fileprivate func body(id: JSONValue) -> JSONValue? {
    switch self {
    case .result(let result): ["jsonrpc": "2.0", "id": id, "result": result]
    case .error(let error): ["jsonrpc": "2.0", "id": id, "error": error]
    case .http, .close: nil
    }
  }
}

extension LoopbackServer.Connection {
  fileprivate func send(_ reply: FakeNode.Reply, _ body: JSONValue?) -> Bool {
    if case .http(let status, let headers, let body) = reply {
      return self.answer(status: status, headers: headers, Array(body.utf8))
    }
    guard let data = try? body?.data else { return false }
    return self.answer(Array(data))
  }
}

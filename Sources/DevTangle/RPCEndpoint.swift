import FlyingFox
import Foundation

/// JSON-RPC 2.0 over HTTP.
///
/// Source: https://www.jsonrpc.org/specification
struct RPCEndpoint {
  let tangle: DevTangle

  /// Answers one call, or an array of calls.
  func answer(_ body: Data) async -> HTTPResponse {
    guard let json = try? JSON(parsing: body) else {
      return .json(.ok, Self.response(id: .null, .failure(.parse)))
    }
    guard let calls = json.array else { return await answer(json) }
    guard !calls.isEmpty, calls.count <= 50 else {
      return .json(.ok, Self.response(id: .null, .failure(.invalidRequest)))
    }
    var results: [JSON] = []
    for call in calls {
      results.append(await result(of: call, faults: []))
    }
    return .json(.ok, .array(results))
  }

  private func answer(_ call: JSON) async -> HTTPResponse {
    let faults = await tangle.nextFaults(
      forAnyOf: Set([call["method"]?.string].compactMap(\.self)))
    return await FaultyAnswer(faults: faults).answer { await result(of: call, faults: faults) }
  }

  private func result(of call: JSON, faults: [Fault]) async -> JSON {
    let id = call["id"] ?? .null
    guard let method = call["method"]?.string else {
      return Self.response(id: id, .failure(.invalidRequest))
    }
    guard let values = call["params"].map({ $0 == .null ? [] : $0.array }) ?? [] else {
      return Self.response(
        id: id, .failure(.invalid("Invalid params: give them by position, in an array.")))
    }
    do {
      let result = try await tangle.call(method, Parameters(values: values), faults: faults)
      return Self.response(id: id, .success(result))
    } catch {
      return Self.response(id: id, .failure(error))
    }
  }

  private static func response(id: JSON, _ result: Result<JSON, RPCError>) -> JSON {
    switch result {
    case .success(let value): ["jsonrpc": "2.0", "id": id, "result": value]
    case .failure(let error): ["jsonrpc": "2.0", "id": id, "error": error.json]
    }
  }
}

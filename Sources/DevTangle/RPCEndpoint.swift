import FlyingFox
import FlyingSocks
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
    let faults = await tangle.nextFaults(for: call["method"]?.string)
    for fault in faults where fault.kind == .slow {
      do {
        try await Task.sleep(for: .milliseconds(fault.effectiveValue))
      } catch {
        return .text(.serviceUnavailable, "The tangle is stopping.")
      }
    }
    if let refusal = faults.lazy.compactMap(Self.refusal).first { return refusal }
    let result = await result(of: call, faults: faults)
    if faults.contains(where: { $0.kind == .truncated }) { return Self.truncated(result) }
    if faults.contains(where: { $0.kind == .malformed }) { return Self.malformed(result) }
    return .json(.ok, result)
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

  // MARK: Faults

  private static func refusal(_ fault: Fault) -> HTTPResponse? {
    switch fault.kind {
    case .tooManyRequests:
      var response = HTTPResponse.text(
        HTTPStatusCode(429, phrase: "Too Many Requests"), "Too Many Requests")
      response.headers[HTTPHeader("Retry-After")] = String(fault.effectiveValue)
      return response
    case .serverError:
      let status = HTTPStatusCode(Int(clamping: fault.effectiveValue), phrase: "Server Error")
      return .text(status, "<html><body><h1>\(status.code)</h1></body></html>")
    default:
      return nil
    }
  }

  private static func malformed(_ json: JSON) -> HTTPResponse {
    var response = HTTPResponse.json(.ok, json)
    let data = (try? json.data) ?? Data()
    // The last brace is missing.
    response.payload = .httpBody(HTTPBodySequence(data: data.dropLast()))
    return response
  }

  private static func truncated(_ json: JSON) -> HTTPResponse {
    let data = (try? json.data) ?? Data()
    return HTTPResponse(
      statusCode: .ok, headers: [.contentType: "application/json"],
      body: HTTPBodySequence(
        from: BrokenBody(data: Array(data.prefix(data.count / 2))), count: data.count))
  }
}

/// A body that breaks off, and takes the connection with it.
private struct BrokenBody: AsyncBufferedSequence {
  typealias Element = UInt8

  let data: [UInt8]

  func makeAsyncIterator() -> Iterator { Iterator(rest: data[...]) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    var rest: ArraySlice<UInt8>

    mutating func next() async throws -> UInt8? {
      guard let byte = rest.popFirst() else { throw SocketError.disconnected }
      return byte
    }

    mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
      guard !rest.isEmpty else { throw SocketError.disconnected }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
  }
}

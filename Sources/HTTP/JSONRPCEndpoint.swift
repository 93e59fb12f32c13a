internal import Synchronization

/// A node that answers JSON-RPC 2.0 over HTTP POST.
///
/// Source: https://www.jsonrpc.org/specification; no batches, which providers may refuse.
public final class JSONRPCEndpoint: Sendable {
  private let post: JSONPost
  private let lastID = Atomic(0)

  /// The node's URL, without its secrets.
  public var shownURL: ShownURL { post.shownURL }

  /// An endpoint at a URL; the headers, which may hold an API key, are sent with each call.
  public init(
    url: String, headers: [HTTPRequest.Header] = [], client: HTTPClient, timeoutMs: Int = 10_000
  ) {
    post = JSONPost(url: url, headers: headers, client: client, timeoutMs: timeoutMs)
  }

  /// Calls a method with positional (array) or named (object) parameters.
  ///
  /// - Throws: ``JSONRPCError`` where the node gave no result of the type.
  public func call<Result: Decodable>(
    _ method: String, _ params: some Encodable, as: Result.Type
  ) throws(JSONRPCError) -> Result {
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
    let response: HTTPResponse
    do {
      response = try post.send(Call(id: id, method: method, params: params), named: method)
    } catch {
      throw JSONRPCError(error, url: shownURL.description)
    }
    return try result(of: method, id: id, in: response, as: Result.self)
  }

  /// The result that the answer to a call holds.
  func result<Result: Decodable>(
    of method: String, id: Int, in response: HTTPResponse, as: Result.Type
  ) throws(JSONRPCError) -> Result {
    let reply: Reply<Result>
    do {
      reply = try post.read(response, named: method, as: Reply<Result>.self)
    } catch {
      throw JSONRPCError(error, url: shownURL.description)
    }
    switch reply.outcome {
    case .failure(let error):
      throw refusal(of: method, error)
    case .success(let result):
      guard reply.id == id else {
        throw JSONRPCError(
          .invalidResponse, url: shownURL.description,
          reason: "the answer to \(method) belongs to another request")
      }
      return result
    }
  }

  private func refusal(of method: String, _ error: NodeError) -> JSONRPCError {
    let message = post.shown(error.message, maximumCount: 300)
    var failure = JSONRPCError(
      .node, url: shownURL.description,
      reason: "the node refused \(method) with \(error.code): \(message)")
    failure.nodeCode = error.code
    failure.nodeMessage = message
    return failure
  }
}

extension JSONRPCError {
  fileprivate init(_ failure: JSONPost.Failure, url: String) {
    switch failure.kind {
    case .transport(let error):
      self.init(.transport, url: url, reason: failure.reason)
      transport = error
    case .status(let status, let retryAfterSeconds):
      self.init(.status, url: url, reason: failure.reason)
      self.status = status
      self.retryAfterSeconds = retryAfterSeconds
    case .invalidResponse: self.init(.invalidResponse, url: url, reason: failure.reason)
    case .invalidParameters: self.init(.invalidParameters, url: url, reason: failure.reason)
    }
  }
}

private struct Call<Params: Encodable>: Encodable {
  let jsonrpc = "2.0"
  let id: Int
  let method: String
  let params: Params

  private enum CodingKeys: CodingKey { case jsonrpc, id, method, params }
}

private struct NodeError: Error, Decodable {
  let code: Int
  let message: String
}

private struct Reply<Value: Decodable>: Decodable {
  let id: Int?
  let outcome: Result<Value, NodeError>

  private enum CodingKeys: CodingKey { case id, result, error }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try? container.decode(Int.self, forKey: .id)
    if let error = try container.decodeIfPresent(NodeError.self, forKey: .error) {
      outcome = .failure(error)
    } else {
      outcome = .success(try container.decode(Value.self, forKey: .result))
    }
  }
}

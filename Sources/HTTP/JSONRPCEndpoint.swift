internal import FoundationEssentials
internal import Synchronization

/// A node that answers JSON-RPC 2.0 over HTTP POST.
///
/// Source: https://www.jsonrpc.org/specification; no batches, which providers may refuse.
public final class JSONRPCEndpoint: Sendable {
  /// The node's URL, without its secrets.
  public let shownURL: ShownURL

  private let url: String
  private let headers: [HTTPRequest.Header]
  private let client: HTTPClient
  private let timeoutMs: Int
  private let lastID = Atomic(0)

  /// JSON nested deeper than this is refused; IOTA's answers stay below 20.
  static let maximumDepth = 64

  /// An endpoint at a URL; the headers, which may hold an API key, are sent with each call.
  public init(
    url: String, headers: [HTTPRequest.Header] = [], client: HTTPClient, timeoutMs: Int = 10_000
  ) {
    self.url = url
    self.headers = headers
    self.client = client
    self.timeoutMs = timeoutMs
    shownURL = ShownURL(url)
  }

  /// Calls a method with positional (array) or named (object) parameters.
  ///
  /// - Throws: ``JSONRPCError`` where the node gave no result of the type.
  public func call<Result: Decodable>(
    _ method: String, _ params: some Encodable, as: Result.Type
  ) throws(JSONRPCError) -> Result {
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
    let response = try post(method, Call(id: id, method: method, params: params))
    guard response.status == 200 else { throw refusal(of: method, response) }
    guard let depth = JSONDepth.deepest(in: response.body), depth <= Self.maximumDepth else {
      throw failure(.invalidResponse, "\(method) was answered with JSON nested too deeply")
    }
    let reply: Reply<Result>
    do {
      reply = try JSONDecoder().decode(Reply<Result>.self, from: Data(response.body))
    } catch {
      throw unreadable(response.body, to: method, error)
    }
    switch reply.outcome {
    case .failure(let error):
      throw refusal(of: method, error)
    case .success(let result):
      guard reply.id == id else {
        throw failure(.invalidResponse, "the answer to \(method) belongs to another request")
      }
      return result
    }
  }

  private func post(
    _ method: String, _ call: Call<some Encodable>
  ) throws(JSONRPCError) -> HTTPResponse {
    let body: Data
    do {
      body = try JSONEncoder().encode(call)
    } catch {
      throw failure(.invalidParameters, "the parameters of \(method) cannot be written as JSON")
    }
    var request = HTTPRequest(
      .post, url: url, headers: [.init("Content-Type", "application/json")] + headers,
      body: Array(body))
    request.timeoutMs = timeoutMs
    request.connectTimeoutMs = min(request.connectTimeoutMs, timeoutMs)
    do {
      return try client.send(request)
    } catch {
      var failure = failure(.transport, error.reason)
      failure.transport = error
      throw failure
    }
  }

  private func failure(_ code: JSONRPCError.Code, _ reason: String) -> JSONRPCError {
    JSONRPCError(code, url: shownURL.description, reason: reason)
  }

  private func refusal(of method: String, _ response: HTTPResponse) -> JSONRPCError {
    let retryAfter = RetryAfter.seconds(in: response)
    let wait = retryAfter.map { ", to be asked again after \($0) s" } ?? ""
    var failure = failure(
      .status,
      "\(method) was answered with HTTP status \(response.status)\(wait): "
        + excerpt(of: response.body))
    failure.status = response.status
    failure.retryAfterSeconds = retryAfter
    return failure
  }

  private func refusal(of method: String, _ error: NodeError) -> JSONRPCError {
    let message = SafeText.line(hidingSecrets(in: error.message), maximumCount: 300)
    var failure = failure(.node, "the node refused \(method) with \(error.code): \(message)")
    failure.nodeCode = error.code
    failure.nodeMessage = message
    return failure
  }

  private func unreadable(_ body: [UInt8], to method: String, _ error: any Error) -> JSONRPCError {
    let place = (error as? DecodingError)?.place
    return failure(
      .invalidResponse,
      place.map { "the answer to \(method) has an unexpected value at \($0)" }
        ?? "the answer to \(method) is not JSON: " + excerpt(of: body))
  }

  private func excerpt(of body: [UInt8]) -> String {
    // Cut only after hiding, so that no half of a secret stays.
    let text = hidingSecrets(in: String(decoding: body.prefix(2000), as: UTF8.self))
    return text.isEmpty ? "(no body)" : SafeText.line(text, maximumCount: 120)
  }

  private func hidingSecrets(in text: String) -> String {
    shownURL.hidingSecrets(in: text, others: headers.map(\.value))
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

extension DecodingError {
  /// Where in the JSON the error is, or nil where the text is no JSON at all.
  fileprivate var place: String? {
    switch self {
    case .keyNotFound(let key, let context): Self.path(context.codingPath + [key])
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      Self.path(context.codingPath)
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      Self.path(context.codingPath)
    default: nil
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.isEmpty
      ? "the top level"
      : SafeText.line(keys.map(\.stringValue).joined(separator: "."), maximumCount: 100)
  }
}

internal import FoundationEssentials

/// A node whose resources are read as JSON, by HTTP GET.
public struct RESTEndpoint: Sendable {
  /// The node's URL, without its secrets.
  public let shownURL: ShownURL

  private let url: String
  private let headers: [HTTPRequest.Header]
  private let client: HTTPClient
  private let timeoutMs: Int

  /// JSON nested deeper than this is refused.
  private static let maximumDepth = 64

  /// An endpoint at a base URL, which may have a path and a query (an API key) of its own; the
  /// headers, which may hold an API key, are sent with each request.
  public init(
    url: String, headers: [HTTPRequest.Header] = [], client: HTTPClient, timeoutMs: Int = 10_000
  ) {
    self.url = url
    self.headers = headers
    self.client = client
    self.timeoutMs = timeoutMs
    shownURL = ShownURL(url)
  }

  /// Reads a resource.
  ///
  /// - Parameters:
  ///   - path: Its path below the base URL, with a leading slash.
  ///   - query: Names and values that need no escaping.
  ///   - type: What is expected.
  /// - Returns: The value.
  /// - Throws: ``RESTError`` where the node gave no value of the type.
  public func get<Value: Decodable>(
    _ path: String, query: [(name: String, value: String)] = [], as type: Value.Type
  ) throws(RESTError) -> Value {
    try value(at: path, in: send(path, query), as: Value.self)
  }

  /// The value that the answer about a resource holds.
  func value<Value: Decodable>(
    at path: String, in response: HTTPResponse, as type: Value.Type
  ) throws(RESTError) -> Value {
    guard response.status == 200 else { throw refusal(of: path, response) }
    guard let depth = JSONDepth.deepest(in: response.body), depth <= Self.maximumDepth else {
      throw failure(.invalidResponse, "\(path) was answered with JSON nested too deeply")
    }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(response.body))
    } catch {
      throw failure(
        .invalidResponse,
        "the answer to \(path) is not what is expected: " + excerpt(of: response.body))
    }
  }

  private func send(
    _ path: String, _ query: [(name: String, value: String)]
  ) throws(RESTError) -> HTTPResponse {
    var request = HTTPRequest(url: full(path, query), headers: headers)
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

  private func full(_ path: String, _ query: [(name: String, value: String)]) -> String {
    let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var base = parts.first ?? ""
    while base.hasSuffix("/") { base = base.dropLast() }
    let pairs =
      parts.dropFirst().map(String.init).filter { !$0.isEmpty }
      + query.map { "\($0.name)=\($0.value)" }
    return base + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
  }

  private func failure(_ code: RESTError.Code, _ reason: String) -> RESTError {
    RESTError(code, url: shownURL.description, reason: reason)
  }

  private func refusal(of path: String, _ response: HTTPResponse) -> RESTError {
    let retryAfter = RetryAfter.seconds(in: response)
    let wait = retryAfter.map { ", to be asked again after \($0) s" } ?? ""
    var failure = failure(
      .status,
      "\(path) was answered with HTTP status \(response.status)\(wait): "
        + excerpt(of: response.body))
    failure.status = response.status
    failure.retryAfterSeconds = retryAfter
    return failure
  }

  private func excerpt(of body: [UInt8]) -> String {
    shownURL.excerpt(of: body, others: headers.map(\.value))
  }
}

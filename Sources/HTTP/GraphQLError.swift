/// Why a GraphQL query gave no data: one sentence that names the node, without its secrets.
public struct GraphQLError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure; more kinds may come.
  public struct Code: Hashable, Sendable {
    private let name: String

    private init(_ name: String) {
      self.name = name
    }

    /// No HTTP answer came: see ``GraphQLError/transport``.
    public static let transport = Code("transport")
    /// The HTTP status was not 200: see ``GraphQLError/status``.
    public static let status = Code("status")
    /// The node refused the query: see ``GraphQLError/nodeCode``.
    public static let node = Code("node")
    /// The answer is not JSON, not GraphQL's, or not of the expected shape.
    public static let invalidResponse = Code("invalid response")
    /// The variables cannot be written as JSON.
    public static let invalidParameters = Code("invalid parameters")
  }

  /// The kind of failure.
  public let code: Code
  /// The node's URL as it may be shown: see ``ShownURL``.
  public let url: String
  /// What happened.
  public let reason: String
  /// What kept the request from being answered.
  public internal(set) var transport: HTTPError?
  /// The HTTP status that was not 200.
  public internal(set) var status: Int?
  /// How long the server asked us to wait before the next request.
  public internal(set) var retryAfterSeconds: Int?
  /// The `extensions.code` of the node's first error, as `BAD_USER_INPUT`.
  public internal(set) var nodeCode: String?

  init(_ code: Code, url: String, reason: String) {
    self.code = code
    self.url = url
    self.reason = reason
  }

  init(_ failure: JSONPost.Failure, url: String) {
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

  /// Whether the client's owner ended the query.
  public var isCancelled: Bool { transport?.code == .cancelled }

  /// One sentence: the URL and the reason.
  public var description: String { "\(url): \(reason)" }
}

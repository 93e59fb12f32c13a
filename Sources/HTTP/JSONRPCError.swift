/// Why a JSON-RPC call gave no result: one sentence that names the node, without its secrets.
public struct JSONRPCError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure; more kinds may come.
  public struct Code: Hashable, Sendable {
    private let name: String

    private init(_ name: String) {
      self.name = name
    }

    /// No HTTP answer came: see ``JSONRPCError/transport``.
    public static let transport = Code("transport")
    /// The HTTP status was not 200: see ``JSONRPCError/status``.
    public static let status = Code("status")
    /// The node refused the call: see ``JSONRPCError/nodeCode`` and ``JSONRPCError/nodeMessage``.
    public static let node = Code("node")
    /// The answer is not JSON, not JSON-RPC 2.0, or not of the expected shape.
    public static let invalidResponse = Code("invalid response")
    /// The parameters cannot be written as JSON.
    public static let invalidParameters = Code("invalid parameters")
  }

  /// The kind of failure.
  public let code: Code
  /// The node's URL as it may be shown: see ``ShownURL``.
  public let url: String
  /// What happened, and what to do where that is known.
  public let reason: String
  /// What kept the request from being answered.
  public internal(set) var transport: HTTPError?
  /// The HTTP status that was not 200.
  public internal(set) var status: Int?
  /// How long the server asked us to wait before the next request.
  public internal(set) var retryAfterSeconds: Int?
  /// The node's own error code, as -32602 for invalid parameters.
  public internal(set) var nodeCode: Int?
  /// The node's own error message, at most 300 characters without control characters.
  public internal(set) var nodeMessage: String?

  init(_ code: Code, url: String, reason: String) {
    self.code = code
    self.url = url
    self.reason = reason
  }

  /// Whether the client's owner ended the call.
  public var isCancelled: Bool { transport?.code == .cancelled }

  /// One sentence: the URL and the reason.
  public var description: String { "\(url): \(reason)" }
}

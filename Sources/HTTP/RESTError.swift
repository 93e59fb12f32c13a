/// Why a resource could not be read: one sentence that names the node, without its secrets.
public struct RESTError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure; more kinds may come.
  public struct Code: Hashable, Sendable {
    private let name: String

    private init(_ name: String) {
      self.name = name
    }

    /// No HTTP answer came: see ``RESTError/transport``.
    public static let transport = Code("transport")
    /// The HTTP status was not 200: see ``RESTError/status``.
    public static let status = Code("status")
    /// The answer is not JSON, or not of the expected shape.
    public static let invalidResponse = Code("invalid response")
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

  init(_ code: Code, url: String, reason: String) {
    self.code = code
    self.url = url
    self.reason = reason
  }

  /// Whether the client's owner ended the request.
  public var isCancelled: Bool { transport?.code == .cancelled }

  /// One sentence: the URL and the reason.
  public var description: String { "\(url): \(reason)" }
}

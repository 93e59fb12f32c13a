/// Why a request got no answer: one sentence that names the URL, without its secrets.
public struct HTTPError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure; more kinds may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The kind in words.
    public let description: String

    private init(_ description: String) {
      self.description = description
    }

    /// The request took longer than it was given.
    public static let timeout = Code("timeout")
    /// ``HTTPClient/cancel()`` was called, or the client's owner wanted the request to end.
    public static let cancelled = Code("cancelled")
    /// The host refused the connection or cannot be reached.
    public static let cannotConnect = Code("cannot connect")
    /// The host's (or proxy's) name has no address.
    public static let cannotResolve = Code("cannot resolve")
    /// The TLS handshake or the check of the certificate failed.
    public static let tls = Code("TLS")
    /// The body or the headers were larger than accepted.
    public static let tooLarge = Code("too large")
    /// The URL is not one that can be asked.
    public static let badURL = Code("bad URL")
    /// A header field that cannot be sent.
    public static let badHeader = Code("bad header")
    /// The connection broke before the answer was complete.
    public static let connectionLost = Code("connection lost")
    /// The answer is not HTTP, or its encoding is broken.
    public static let protocolError = Code("protocol error")
    /// libcurl could not do its work, as when memory is short.
    public static let unavailable = Code("unavailable")
  }

  /// The kind of failure.
  public let code: Code
  /// The URL as it may be shown: see ``ShownURL``.
  public let url: String
  /// What happened, and what to do where that is known.
  public let reason: String
  /// Whether there was a connection when the time of a ``Code/timeout`` was over: a host that is gone
  /// takes none, one that hangs takes it and says nothing.
  public internal(set) var wasConnected = false

  /// One sentence: the URL and the reason.
  public var description: String { "\(url): \(reason)" }
}

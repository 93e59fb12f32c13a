/// One HTTP request, with the limits that it must keep.
public struct HTTPRequest: Sendable {
  /// The methods that this project's peers need.
  public enum Method: String, Sendable {
    /// Asks for a resource; a body is not sent.
    case get = "GET"
    /// Sends a body.
    case post = "POST"
  }

  /// A header field, as sent: names are case-insensitive, values hold no line break.
  public struct Header: Hashable, Sendable {
    /// The field's name.
    public var name: String
    /// The field's value.
    public var value: String

    /// A header field of the given name and value.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What is done with the resource.
  public var method: Method
  /// An absolute `http:` or `https:` URL; `user:password@` becomes basic authentication.
  public var url: String
  /// Header fields beyond those that libcurl sets itself.
  public var headers: [Header]
  /// Who asks, for a server that wants to know; nil: nobody.
  public var login: HTTPLogin?
  /// The body of a POST.
  public var body: [UInt8]
  /// The whole request, name resolution to last byte, ends after this many milliseconds.
  public var timeoutMs = 10_000
  /// Name resolution, connection and TLS handshake end after this many milliseconds.
  public var connectTimeoutMs = 5_000
  /// The largest body, after decompression, that is accepted; a larger one is an error.
  public var maximumBodyBytes = 16 << 20
  /// Whether the connection is kept for the next request.
  public var keepsAlive = true
  /// The file of the certificates to trust instead of the system's.
  var trustedCertificatesPath: String?

  /// A request with the default limits, which are properties of their own.
  public init(
    _ method: Method = .get, url: String, headers: [Header] = [], body: [UInt8] = []
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// What a server answered.
public struct HTTPResponse: Sendable {
  /// The status code, 200 for success.
  public let status: Int
  /// Header fields in the order received, their names in lower case.
  public let headers: [HTTPRequest.Header]
  /// The body, decompressed.
  public let body: [UInt8]

  /// The value of the first field of the name, which is given in lower case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}

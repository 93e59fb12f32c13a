internal import HTTP

/// A plug, or anything else, that tells its power in JSON over HTTP.
public final class HTTPJSONSource: PowerSource {
  /// What is asked, and how.
  public struct Request: Sendable {
    /// An `http:` or `https:` URL, which may hold secrets in its query.
    public var url: String
    /// A user's name and password, for servers that want them.
    public var login: Login?
    /// A token that is sent as `Authorization: Bearer`.
    public var bearerToken: String?
    /// What the source is called in logs.
    public var name: String

    /// A request without a login, called by its URL without path and query.
    public init(url: String) {
      self.url = url
      name = ShownURL(url).description
    }
  }

  /// A user's name and password.
  public struct Login: Sendable {
    /// How the password is shown to be known.
    public enum Scheme: Sendable {
      /// Sent as it is (RFC 7617).
      case basic
      /// As a hash of the server's challenge (RFC 7616).
      case digest
    }

    var scheme: Scheme
    var username: String
    var password: String

    /// A login of the given parts.
    public init(_ scheme: Scheme, username: String, password: String) {
      self.scheme = scheme
      self.username = username
      self.password = password
    }
  }

  static let connectTimeoutMs = 1500
  static let timeoutMs = 4000
  /// The largest answer of the presets, a Shelly's /status, has about 3 KB.
  static let maximumBodyBytes = 65_536

  /// The URL without its secrets.
  public let name: String
  private let request: HTTPRequest
  private let place: PowerPlace
  private let client = HTTPClient()
  private let clock: @Sendable () -> Int64

  /// A source that asks a URL; `clock` gives the samples their time in milliseconds.
  /// - Throws: when the URL is none.
  public init(
    _ source: Request, place: PowerPlace,
    clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) {
    let start = source.url.prefix(8).lowercased()
    guard start.hasPrefix("http://") || start.hasPrefix("https://"),
      source.url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else {
      throw PlugError(
        .badAddress,
        "\(ShownURL(source.url)) is no URL; write http:// or https://, host and path without "
          + "spaces.")
    }
    var request = HTTPRequest(url: source.url)
    request.login = source.login.map {
      HTTPLogin(
        $0.scheme == .basic ? .basic : .digest, username: $0.username, password: $0.password)
    }
    if let token = source.bearerToken {
      request.headers = [HTTPRequest.Header("Authorization", "Bearer \(token)")]
    }
    request.connectTimeoutMs = Self.connectTimeoutMs
    request.timeoutMs = Self.timeoutMs
    request.maximumBodyBytes = Self.maximumBodyBytes
    self.request = request
    self.place = place
    self.clock = clock
    name = source.name
  }

  /// Asks for the power.
  public func read() throws(PlugError) -> PowerSample {
    let response: HTTPResponse
    do {
      response = try client.send(request)
    } catch {
      throw PlugError(PlugError.Kind(error), "\(name): \(error.reason).")
    }
    guard response.status == 200 else { throw refusal(response.status) }
    return try place.sample(in: response.body, from: name, atMs: clock())
  }

  /// Ends a running read and all later ones, from any thread.
  public func cancel() { client.cancel() }

  private func refusal(_ status: Int) -> PlugError {
    let hint =
      switch status {
      case 401, 403:
        request.login == nil && request.headers.isEmpty
          ? "it wants a password or a token" : "the password or the token is wrong"
      case 404: "there is nothing at this URL; is it this kind of plug?"
      default: "is it this kind of plug?"
      }
    return PlugError(.refusal, "\(name) answers with status \(status); \(hint).")
  }
}

extension PlugError.Kind {
  init(_ error: HTTPError) {
    self =
      switch error.code {
      case .cancelled: .cancelled
      case .tooLarge: .tooLarge
      case .protocolError: .unreadable
      case .badURL, .badHeader: .badAddress
      default: .noAnswer
      }
  }
}

internal import FoundationEssentials

/// A URL that takes JSON by POST and answers JSON: what JSON-RPC and GraphQL have in common.
struct JSONPost: Sendable {
  /// The URL, without its secrets.
  let shownURL: ShownURL

  private let url: String
  private let headers: [HTTPRequest.Header]
  private let client: HTTPClient
  private let timeoutMs: Int

  /// JSON nested deeper than this is refused; IOTA's answers stay below 20.
  static let maximumDepth = 64

  /// Why there is no answer of the expected shape.
  struct Failure: Error {
    enum Kind {
      case transport(HTTPError)
      case status(Int, retryAfterSeconds: Int?)
      case invalidResponse
      case invalidParameters
    }

    var kind: Kind
    var reason: String

    init(_ kind: Kind, _ reason: String) {
      self.kind = kind
      self.reason = reason
    }
  }

  init(url: String, headers: [HTTPRequest.Header], client: HTTPClient, timeoutMs: Int) {
    self.url = url
    self.headers = headers
    self.client = client
    self.timeoutMs = timeoutMs
    shownURL = ShownURL(url)
  }

  /// Sends a body; the name says in errors what was asked.
  func send(_ body: some Encodable, named name: String) throws(Failure) -> HTTPResponse {
    let data: Data
    do {
      data = try JSONEncoder().encode(body)
    } catch {
      throw Failure(.invalidParameters, "the parameters of \(name) cannot be written as JSON")
    }
    var request = HTTPRequest(
      .post, url: url, headers: [.init("Content-Type", "application/json")] + headers,
      body: Array(data))
    request.timeoutMs = timeoutMs
    request.connectTimeoutMs = min(request.connectTimeoutMs, timeoutMs)
    do {
      return try client.send(request)
    } catch {
      throw Failure(.transport(error), error.reason)
    }
  }

  /// Reads the answer to a body; the name says in errors what was asked.
  func read<Reply: Decodable>(
    _ response: HTTPResponse, named name: String, as: Reply.Type
  ) throws(Failure) -> Reply {
    guard response.status == 200 else { throw refusal(of: name, response) }
    guard let depth = JSONDepth.deepest(in: response.body), depth <= Self.maximumDepth else {
      throw Failure(.invalidResponse, "\(name) was answered with JSON nested too deeply")
    }
    do {
      return try JSONDecoder().decode(Reply.self, from: Data(response.body))
    } catch {
      throw unreadable(response.body, to: name, error)
    }
  }

  /// A node's words as they may be shown: one line without secrets.
  func shown(_ text: String, maximumCount: Int) -> String {
    // Cut only after hiding, so that no half of a secret stays.
    SafeText.line(
      shownURL.hidingSecrets(in: text, others: headers.map(\.value)), maximumCount: maximumCount)
  }

  private func refusal(of name: String, _ response: HTTPResponse) -> Failure {
    let retryAfter = RetryAfter.seconds(in: response)
    let wait = retryAfter.map { ", to be asked again after \($0) s" } ?? ""
    return Failure(
      .status(response.status, retryAfterSeconds: retryAfter),
      "\(name) was answered with HTTP status \(response.status)\(wait): "
        + excerpt(of: response.body))
  }

  private func unreadable(_ body: [UInt8], to name: String, _ error: any Error) -> Failure {
    let place = (error as? DecodingError)?.place
    return Failure(
      .invalidResponse,
      place.map { "the answer to \(name) has an unexpected value at \($0)" }
        ?? "the answer to \(name) is not JSON: " + excerpt(of: body))
  }

  private func excerpt(of body: [UInt8]) -> String {
    shownURL.excerpt(of: body, others: headers.map(\.value))
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

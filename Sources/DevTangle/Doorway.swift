import FlyingFox
import Foundation

/// Where requests wait for the tangle that answers them: the ports are known first.
actor Doorway {
  // Not held: the tangle holds the servers, which hold this.
  private weak var tangle: DevTangle?

  func open(to tangle: DevTangle) {
    self.tangle = tangle
  }

  /// Answers a request to the node or the faucet.
  nonisolated func answer(_ request: FlyingFox.HTTPRequest, faucet: Bool) async -> HTTPResponse {
    guard let tangle = await tangle else {
      return .text(.serviceUnavailable, "The tangle is starting or stopping.")
    }
    let body: Data
    do {
      body = try await request.body(upTo: 1 << 20)
    } catch {
      return .text(HTTPStatusCode(413, phrase: "Content Too Large"), "At most 1 MiB is read.")
    }
    if request.path == "/devkit/faults" {
      return await FaultEndpoint(tangle: tangle).answer(request.method, body)
    }
    if faucet {
      return await FaucetEndpoint(tangle: tangle).answer(request.method, request.path, body)
    }
    guard request.method == .POST else {
      return .text(.methodNotAllowed, "Send JSON-RPC by POST, and GraphQL to /graphql.")
    }
    if request.path == "/graphql" {
      return await QueryEndpoint(tangle: tangle).answer(body)
    }
    return await RPCEndpoint(tangle: tangle).answer(body)
  }
}

/// A body that is too large to be read.
struct TooLarge: Error {}

extension FlyingFox.HTTPRequest {
  /// The body.
  ///
  /// - Throws: ``TooLarge`` beyond the limit.
  func body(upTo limit: Int) async throws -> Data {
    guard bodySequence.count ?? 0 <= limit else { throw TooLarge() }
    var body = Data()
    for try await chunk in bodySequence {
      body.append(chunk)
      guard body.count <= limit else { throw TooLarge() }
    }
    return body
  }
}

extension FlyingFox.HTTPResponse {
  /// A response for people.
  static func text(_ status: HTTPStatusCode, _ text: String) -> HTTPResponse {
    HTTPResponse(
      statusCode: status, headers: [.contentType: "text/plain; charset=utf-8"],
      body: Data("\(text)\n".utf8))
  }

  /// A response for programs.
  static func json(_ status: HTTPStatusCode, _ json: JSON) -> HTTPResponse {
    do {
      return HTTPResponse(
        statusCode: status, headers: [.contentType: "application/json"], body: try json.data)
    } catch {
      return .text(.internalServerError, "The answer cannot be written as JSON.")
    }
  }
}

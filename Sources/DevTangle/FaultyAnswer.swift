import FlyingFox
import FlyingSocks
import Foundation

/// An answer in JSON, and what faults make of it, whatever the protocol.
struct FaultyAnswer {
  let faults: [Fault]

  /// The answer, which is found only where no fault keeps the node from answering.
  func answer(_ find: () async -> JSON) async -> HTTPResponse {
    for fault in faults where fault.kind == .slow {
      do {
        try await Task.sleep(for: .milliseconds(fault.effectiveValue))
      } catch {
        return .text(.serviceUnavailable, "The tangle is stopping.")
      }
    }
    if let refusal = faults.lazy.compactMap(Self.refusal).first { return refusal }
    let json = await find()
    if faults.contains(where: { $0.kind == .truncated }) { return Self.truncated(json) }
    if faults.contains(where: { $0.kind == .malformed }) { return Self.malformed(json) }
    return .json(.ok, json)
  }

  static func refusal(_ fault: Fault) -> HTTPResponse? {
    switch fault.kind {
    case .tooManyRequests:
      var response = HTTPResponse.text(
        HTTPStatusCode(429, phrase: "Too Many Requests"), "Too Many Requests")
      response.headers[HTTPHeader("Retry-After")] = String(fault.effectiveValue)
      return response
    case .serverError:
      let status = HTTPStatusCode(Int(clamping: fault.effectiveValue), phrase: "Server Error")
      return .text(status, "<html><body><h1>\(status.code)</h1></body></html>")
    default:
      return nil
    }
  }

  static func malformed(_ json: JSON) -> HTTPResponse {
    var response = HTTPResponse.json(.ok, json)
    let data = (try? json.data) ?? Data()
    // The last brace is missing.
    response.payload = .httpBody(HTTPBodySequence(data: data.dropLast()))
    return response
  }

  static func truncated(_ json: JSON) -> HTTPResponse {
    let data = (try? json.data) ?? Data()
    return HTTPResponse(
      statusCode: .ok, headers: [.contentType: "application/json"],
      body: HTTPBodySequence(
        from: BrokenBody(data: Array(data.prefix(data.count / 2))), count: data.count))
  }
}

/// A body that breaks off, and takes the connection with it.
private struct BrokenBody: AsyncBufferedSequence {
  typealias Element = UInt8

  let data: [UInt8]

  func makeAsyncIterator() -> Iterator { Iterator(rest: data[...]) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    var rest: ArraySlice<UInt8>

    mutating func next() async throws -> UInt8? {
      guard let byte = rest.popFirst() else { throw SocketError.disconnected }
      return byte
    }

    mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
      guard !rest.isEmpty else { throw SocketError.disconnected }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
  }
}

import Foundation

@testable import DevTangle

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A client of its own, so that the tangle is not judged by what it is made of.
struct Peer {
  private let session = URLSession(configuration: .ephemeral)

  struct Answer {
    var status: Int
    var headers: [String: String]
    var body: Data

    var json: JSON { get throws { try JSON(parsing: body) } }
  }

  func send(_ url: String, _ body: String? = nil) async throws -> Answer {
    guard let url = URL(string: url) else { throw URLError(.badURL) }
    var request = URLRequest(url: url, timeoutInterval: 10)
    if let body {
      request.httpMethod = "POST"
      request.httpBody = Data(body.utf8)
    }
    let (data, response) = try await session.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    var headers: [String: String] = [:]
    for (name, value) in response.allHeaderFields {
      headers["\(name)".lowercased()] = "\(value)"
    }
    return Answer(status: response.statusCode, headers: headers, body: data)
  }

  func call(_ tangle: DevTangle, _ method: String, _ parameters: JSON = []) async throws -> JSON {
    let call: JSON = ["jsonrpc": "2.0", "id": 7, "method": .string(method), "params": parameters]
    let body = String(decoding: try call.data, as: UTF8.self)
    return try await send(tangle.nodeURL, body).json
  }
}

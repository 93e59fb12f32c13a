import Foundation
@testable import HTTP

extension FuzzTarget {
  /// A body, or two header fields and the body of an answer that is none, with NULs between.
  static let jsonRPCAnswer = FuzzTarget(name: "jsonrpc-answer") { bytes in
    _ = try jsonRPCOutcome(of: HTTPResponse(fuzzed: bytes))
    guard let (answer, members) = rewritten(bytes) else { return }
    let found = try jsonRPCOutcome(of: answer)
    switch members["error"] ?? .null {
    case .object(let error):
      guard case .integer(let code)? = error["code"], case .string? = error["message"] else {
        return try promise(found.isUnreadable, "an error has a code and a message")
      }
      try promise(
        found.error?.code == .node && found.error?.nodeCode == Int(code),
        "a node's error is told as such")
    case .null where members["id"] == .integer(Int64(callID)) && members["result"] != nil:
      try promise(found.result == members["result"], "a result is what the node says")
    default:
      try promise(found.isUnreadable, "what is no answer to the call is not taken for one")
    }
  }

  /// The same for GraphQL.
  static let graphQLAnswer = FuzzTarget(name: "graphql-answer") { bytes in
    _ = try graphQLOutcome(of: HTTPResponse(fuzzed: bytes))
    guard let (answer, members) = rewritten(bytes) else { return }
    let found = try graphQLOutcome(of: answer)
    guard let places = places(ofErrors: members["errors"] ?? .null) else {
      return try promise(found.isUnreadable, "errors have messages")
    }
    if case .object(let data)? = members["data"] {
      try promise(found.result?.data == data, "the data is what the node says")
      try promise(found.result?.problems.map(\.path) == places, "no problem is passed over")
    } else if places.isEmpty {
      try promise(found.isUnreadable, "without data and errors it is no answer")
    } else {
      try promise(found.error?.code == .node, "errors without data are a refusal")
    }
  }

  private static let callID = 7
  private static let jsonRPC = JSONRPCEndpoint(
    url: NodeSecret.url, headers: NodeSecret.headers, client: HTTPClient())
  private static let graphQL = GraphQLEndpoint(
    url: NodeSecret.url, headers: NodeSecret.headers, client: HTTPClient())

  private static func jsonRPCOutcome(
    of response: HTTPResponse
  ) throws -> Outcome<JSONValue, JSONRPCError> {
    do throws(JSONRPCError) {
      return Outcome(
        result: try jsonRPC.result(of: "call", id: callID, in: response, as: JSONValue.self))
    } catch {
      try promiseSafe(error.description, of: response.body, error.retryAfterSeconds)
      return Outcome(error: error)
    }
  }

  private static func graphQLOutcome(
    of response: HTTPResponse
  ) throws -> Outcome<GraphQLAnswer<[String: JSONValue]>, GraphQLError> {
    let answer: GraphQLAnswer<[String: JSONValue]>
    do throws(GraphQLError) {
      answer = try graphQL.answer(to: "Query", in: response, as: [String: JSONValue].self)
    } catch {
      try promiseSafe(error.description, of: response.body, error.retryAfterSeconds)
      return Outcome(error: error)
    }
    for problem in answer.problems { try promiseSafe(problem.message, of: response.body) }
    return Outcome(result: answer)
  }

  /// The object that the bytes are, written anew, and its members; nil where they are none.
  ///
  /// Written anew no name is there twice, which readers may take in different ways.
  private static func rewritten(
    _ bytes: [UInt8]
  ) -> (HTTPResponse, members: [String: JSONValue])? {
    guard let value = JSONValue.read(bytes), case .object(let members) = value,
      let text = try? JSONEncoder().encode(value)
    else { return nil }
    return (HTTPResponse(status: 200, headers: [], body: Array(text)), members)
  }

  /// Where the errors of an answer are; nil where it has others than GraphQL's.
  private static func places(ofErrors errors: JSONValue) -> [[JSONValue]]? {
    guard errors != .null else { return [] }
    guard case .array(let errors) = errors else { return nil }
    var places: [[JSONValue]] = []
    for error in errors {
      guard case .object(let error) = error, case .string? = error["message"],
        isExtension(error["extensions"] ?? .null)
      else { return nil }
      switch error["path"] ?? .null {
      case .null: places.append([])
      case .array(let path): places.append(path)
      default: return nil
      }
    }
    return places
  }

  private static func isExtension(_ value: JSONValue) -> Bool {
    guard case .object(let members) = value else { return value == .null }
    switch members["code"] ?? .null {
    case .null, .string: return true
    default: return false
    }
  }
}

/// What an endpoint makes of an answer.
private struct Outcome<Value, Failure> {
  var result: Value?
  var error: Failure?
}

extension Outcome where Failure == JSONRPCError {
  var isUnreadable: Bool { error?.code == .invalidResponse }
}

extension Outcome where Failure == GraphQLError {
  var isUnreadable: Bool { error?.code == .invalidResponse }
}

/// What nodes know and logs must not show.
enum NodeSecret {
  static let key = "kQ7vX2mN9pL4sT8wZ3bY6cD1"
  static let url = "https://node.example/\(key)?apikey=\(key)"
  static let headers = [HTTPRequest.Header("X-Key", key)]
}

extension HTTPResponse {
  /// The answer that the bytes are: a body, or the fields `Retry-After` and `Date` and a body.
  init(fuzzed bytes: [UInt8]) {
    let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    let isRefusal = parts.count == 3
    let texts = parts.map { String(decoding: $0, as: UTF8.self) }
    self.init(
      status: isRefusal ? 429 : 200,
      headers: isRefusal ? [.init("retry-after", texts[0]), .init("date", texts[1])] : [],
      body: isRefusal ? Array(parts[2]) : bytes)
  }
}

/// Promises that what is told of a body can be logged.
func promiseSafe(_ text: String, of body: [UInt8], _ retryAfterSeconds: Int? = nil) throws {
  try promise(text.unicodeScalars.count < 600, "an error is short")
  try promise(
    !text.unicodeScalars.contains { $0.properties.generalCategory == .control },
    "an error is one line")
  let (shown, key) = (Array(text.utf8), Array(NodeSecret.key.utf8))
  try promise(!shown.contains(key), "no error shows a secret")
  // Halves that were sent as such are no secret, nor are those that an escape cuts.
  let half = Array(key.prefix(12))
  let isSentWhole =
    !body.replacing(key, with: [0]).contains(half) && !body.contains(UInt8(ascii: "\\"))
  try promise(!isSentWhole || !shown.contains(half), "no error shows half a secret")
  try promise(
    retryAfterSeconds.map { (0...86_400).contains($0) } ?? true, "no node is left for over a day")
}

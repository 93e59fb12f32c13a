import HTTP
import TestSupport
import Testing

struct GraphQLTests {
  private struct Answer: Decodable, Equatable {
    var name: String
    var rest: [Int?]?
  }

  @Test func `asks with variables, and reads data`() throws {
    let server = try LoopbackServer { connection in
      guard let request = connection.readRequest() else { return }
      let body = String(decoding: request.body, as: UTF8.self)
      let isRight =
        body.contains(#""query":"query Q { name }""#)
        && body.contains(#""variables":{"a":[1,null]}"#)
      _ = connection.answer(Array(#"{"data":{"name":"\#(isRight)"}}"#.utf8))
    }
    let endpoint = GraphQLEndpoint(url: server.url(), client: HTTPClient())
    let answer = try endpoint.query(
      "Q", "query Q { name }", variables: ["a": [1, nil]], as: Answer.self)
    #expect(answer.data == Answer(name: "true"))
    #expect(answer.problems.isEmpty)
  }

  @Test func `tells which part of the data is missing, and why`() throws {
    let answer = try query(
      #"{"data":{"name":"n","rest":[1,null]},"errors":[{"message":"ti\u0007red","path":["rest",1]}]}"#
    ).get()
    #expect(answer.data == Answer(name: "n", rest: [1, nil]))
    #expect(answer.problems.map(\.message) == ["ti·red"])
    #expect(answer.problems.map(\.path) == [["rest", 1]])
  }

  @Test(arguments: [
    (
      #"{"data":null,"errors":[{"message":"bad","extensions":{"code":"BAD_USER_INPUT"}}]}"#,
      GraphQLError.Code.node, "the node refused Q with BAD_USER_INPUT: bad"
    ),
    (#"{"errors":[{"message":"bad"}]}"#, .node, "the node refused Q with no code: bad"),
    (
      #"{"data":{"name":null},"errors":[{"message":"bad"},{"message":"worse"}]}"#, .node,
      "refused Q with no code: bad"
    ),
    (#"{"data":{"name":7}}"#, .invalidResponse, "an unexpected value at data.name"),
    (#"{"data":null}"#, .invalidResponse, "an unexpected value at data"),
    (#"{"data":null,"errors":[]}"#, .invalidResponse, "an unexpected value at data"),
    (#"{"data":null,"errors":7}"#, .invalidResponse, "an unexpected value at errors"),
    ("{}", .invalidResponse, "an unexpected value at data"),
    ("<html>", .invalidResponse, "is not JSON: <html>"),
    (String(repeating: "[", count: 1000), .invalidResponse, "nested too deeply"),
  ]) func `says what is wrong with an answer`(
    body: String, code: GraphQLError.Code, reason: String
  ) throws {
    let error = #expect(throws: GraphQLError.self) { try query(body).get() }
    #expect(error?.code == code)
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test func `keeps status and pause, and no secrets`() throws {
    let secret = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    let server = try LoopbackServer { connection in
      _ = connection.readRequest()
      _ = connection.answer(
        status: "429 Too Many Requests", headers: ["Retry-After: 7"],
        Array("slow down, \(secret)".utf8))
    }
    let endpoint = GraphQLEndpoint(url: server.url("/\(secret)"), client: HTTPClient())
    let error = #expect(throws: GraphQLError.self) {
      try endpoint.query("Q", "query Q { name }", as: Answer.self)
    }
    #expect(error?.code == .status)
    #expect(error?.status == 429)
    #expect(error?.retryAfterSeconds == 7)
    #expect(error?.description.contains("slow down") == true)
    #expect(error?.description.contains(secret) == false)
  }

  private func query(
    _ body: String
  ) throws -> Result<GraphQLAnswer<Answer>, GraphQLError> {
    let server = try LoopbackServer { connection in
      _ = connection.readRequest()
      _ = connection.answer(Array(body.utf8))
    }
    let endpoint = GraphQLEndpoint(url: server.url(), client: HTTPClient())
    return Result { () throws(GraphQLError) in
      try endpoint.query("Q", "query Q { name }", as: Answer.self)
    }
  }
}

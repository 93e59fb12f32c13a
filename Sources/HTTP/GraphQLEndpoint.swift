/// A node that answers GraphQL over HTTP POST.
///
/// Source: https://spec.graphql.org/October2021/#sec-Response; errors come with HTTP status 200.
public final class GraphQLEndpoint: Sendable {
  private let post: JSONPost

  /// The node's URL, without its secrets.
  public var shownURL: ShownURL { post.shownURL }

  /// An endpoint at a URL; the headers, which may hold an API key, are sent with each query.
  public init(
    url: String, headers: [HTTPRequest.Header] = [], client: HTTPClient, timeoutMs: Int = 10_000
  ) {
    post = JSONPost(url: url, headers: headers, client: client, timeoutMs: timeoutMs)
  }

  /// Asks a query.
  ///
  /// - Parameters:
  ///   - name: What errors call it.
  ///   - text: One operation.
  ///   - variables: Their values, by name.
  ///   - as: What the data is.
  /// - Returns: The data, with what the node could not find out of it.
  /// - Throws: ``GraphQLError`` where the node gave no data of the type.
  public func query<Value: Decodable>(
    _ name: String, _ text: String, variables: [String: JSONValue] = [:], as: Value.Type
  ) throws(GraphQLError) -> GraphQLAnswer<Value> {
    let response: HTTPResponse
    do {
      response = try post.send(Request(query: text, variables: variables), named: name)
    } catch {
      throw GraphQLError(error, url: shownURL.description)
    }
    return try answer(to: name, in: response, as: Value.self)
  }

  /// What the answer to a query holds.
  func answer<Value: Decodable>(
    to name: String, in response: HTTPResponse, as: Value.Type
  ) throws(GraphQLError) -> GraphQLAnswer<Value> {
    let reply: Reply<Value>
    do {
      reply = try post.read(response, named: name, as: Reply<Value>.self)
    } catch {
      throw GraphQLError(error, url: shownURL.description)
    }
    let problems = reply.errors.map { problem in
      GraphQLProblem(
        message: post.shown(problem.message, maximumCount: 300), path: problem.path ?? [])
    }
    guard let data = reply.data else {
      let code = post.shown(reply.errors.first?.extensions?.code ?? "no code", maximumCount: 40)
      var failure = GraphQLError(
        .node, url: shownURL.description,
        reason: "the node refused \(name) with \(code): \(problems.first?.message ?? "")")
      failure.nodeCode = reply.errors.first?.extensions?.code
      throw failure
    }
    return GraphQLAnswer(data: data, problems: problems)
  }
}

/// What a node answers to a query.
public struct GraphQLAnswer<Value> {
  /// The data; what the node could not find out is null in it.
  public let data: Value
  /// What the node could not find out, and why.
  public let problems: [GraphQLProblem]
}

/// Why a part of the data is null.
public struct GraphQLProblem: Hashable, Sendable {
  /// The node's words: at most 300 characters, without control characters and secrets.
  public let message: String
  /// Names of fields and indices of lists from the top down to what is null.
  public let path: [JSONValue]
}

private struct Request: Encodable {
  let query: String
  let variables: [String: JSONValue]
}

private struct Reply<Value: Decodable>: Decodable {
  struct Problem: Decodable {
    struct Extensions: Decodable {
      let code: String?
    }

    let message: String
    let path: [JSONValue]?
    let extensions: Extensions?
  }

  let data: Value?
  let errors: [Problem]

  private enum CodingKeys: CodingKey { case data, errors }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    errors = try container.decodeIfPresent([Problem].self, forKey: .errors) ?? []
    // Where there are errors, they say more than a decoder about what is missing.
    data =
      errors.isEmpty
      ? try container.decode(Value.self, forKey: .data)
      : try? container.decode(Value.self, forKey: .data)
  }
}

import FlyingFox
import Foundation

/// GraphQL over HTTP: `{"query":…,"variables":{…}}` by POST; errors come with status 200.
///
/// Source: https://spec.graphql.org/October2021/#sec-Response
struct QueryEndpoint {
  let tangle: DevTangle

  func answer(_ body: Data) async -> HTTPResponse {
    let document: GraphQLDocument
    var variables: [String: JSON] = [:]
    do {
      guard body.count <= GraphQLLimits.payloadSize else {
        throw GraphQLRefusal.input("Query payload is too large. Maximum is 5000 bytes.")
      }
      guard let request = try? JSON(parsing: body), let text = request["query"]?.string else {
        throw GraphQLRefusal(
          message: "The body must be {\"query\":…,\"variables\":{…}}.", code: "BAD_REQUEST")
      }
      if case .object(let given) = request["variables"] { variables = given }
      document = try GraphQLDocument(text)
    } catch {
      return .json(.ok, Self.failure(error))
    }
    let faults = await tangle.nextFaults(forAnyOf: document.names)
    return await FaultyAnswer(faults: faults).answer {
      do {
        return try await tangle.answer(document, variables: variables, faults: faults)
      } catch {
        return Self.failure(error)
      }
    }
  }

  private static func failure(_ error: any Error) -> JSON {
    let refusal = error as? GraphQLRefusal ?? .validation("\(error)")
    return ["data": nil, "errors": [refusal.json()]]
  }
}

extension GraphQLDocument {
  /// The names of the fields of `Query` that it selects.
  fileprivate var names: Set<String> {
    Set(selections.compactMap { if case .field(let field) = $0 { field.name } else { nil } })
  }
}

/// A query as GraphQL writes it.
///
/// It is parsed, not recognised: any selection of the fields that ``Node`` knows may be asked for,
/// with arguments, variables, aliases and fragments. Left out, and refused, are directives,
/// mutations, subscriptions and several operations in one document.
///
/// Source: https://spec.graphql.org/October2021/#sec-Language
struct GraphQLDocument: Sendable {
  struct Field: Sendable {
    /// The name in the answer.
    var key: String
    var name: String
    var arguments: [String: Value]
    var selections: [Selection]
  }

  indirect enum Selection: Sendable {
    case field(Field)
    case spread(String)
    case inline(type: String?, [Selection])
  }

  indirect enum Value: Sendable {
    case variable(String)
    case constant(JSON)
    case list([Value])
    case object([String: Value])
  }

  struct Variable: Sendable {
    var isRequired: Bool
    var fallback: Value?
  }

  struct Fragment: Sendable {
    var type: String
    var selections: [Selection]
  }

  private(set) var variables: [String: Variable] = [:]
  private(set) var selections: [Selection] = []
  private(set) var fragments: [String: Fragment] = [:]

  /// Parses a document.
  init(_ text: String) throws(GraphQLRefusal) {
    var parser = GraphQLParser(tokens: try GraphQLToken.tokens(of: text)[...])
    var hasQuery = false
    while let token = parser.tokens.first {
      if token == .name("fragment") {
        parser.tokens.removeFirst()
        let name = try parser.name()
        try parser.expect(.name("on"))
        let type = try parser.name()
        fragments[name] = Fragment(type: type, selections: try parser.selections(depth: 0))
        continue
      }
      guard !hasQuery else { throw .validation("Send one operation at a time.") }
      hasQuery = true
      if token != .mark("{") {
        try parser.expect(.name("query"))
        if case .name = parser.tokens.first { parser.tokens.removeFirst() }
        if parser.skip(.mark("(")) { variables = try parser.variables() }
      }
      selections = try parser.selections(depth: 0)
    }
    guard hasQuery else { throw .validation("The document holds no query.") }
  }
}

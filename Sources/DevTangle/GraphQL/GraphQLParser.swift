/// Reads a document from its pieces.
struct GraphQLParser {
  var tokens: ArraySlice<GraphQLToken>

  mutating func skip(_ token: GraphQLToken) -> Bool {
    guard tokens.first == token else { return false }
    tokens.removeFirst()
    return true
  }

  mutating func expect(_ token: GraphQLToken) throws(GraphQLRefusal) {
    guard skip(token) else { throw unexpected }
  }

  mutating func name() throws(GraphQLRefusal) -> String {
    guard case .name(let name) = tokens.first else { throw unexpected }
    tokens.removeFirst()
    return name
  }

  private var unexpected: GraphQLRefusal {
    .validation("Unexpected \(tokens.first.map { "\($0)" } ?? "end of the document").")
  }

  mutating func variables() throws(GraphQLRefusal) -> [String: GraphQLDocument.Variable] {
    var variables: [String: GraphQLDocument.Variable] = [:]
    while !skip(.mark(")")) {
      try expect(.mark("$"))
      let name = try name()
      try expect(.mark(":"))
      let isRequired = try type()
      let fallback = skip(.mark("=")) ? try value(depth: 0) : nil
      variables[name] = .init(isRequired: isRequired && fallback == nil, fallback: fallback)
    }
    return variables
  }

  /// Whether a value of the type has to be given.
  private mutating func type() throws(GraphQLRefusal) -> Bool {
    if skip(.mark("[")) {
      _ = try name()
      _ = skip(.mark("!"))
      try expect(.mark("]"))
    } else {
      _ = try name()
    }
    return skip(.mark("!"))
  }

  mutating func selections(depth: Int) throws(GraphQLRefusal) -> [GraphQLDocument.Selection] {
    guard depth < GraphQLLimits.depth else {
      throw .input("Query nesting is over \(GraphQLLimits.depth)")
    }
    try expect(.mark("{"))
    var selections: [GraphQLDocument.Selection] = []
    while !skip(.mark("}")) {
      if skip(.mark("...")) {
        if skip(.name("on")) {
          let type = try name()
          selections.append(.inline(type: type, try self.selections(depth: depth + 1)))
        } else if tokens.first == .mark("{") {
          selections.append(.inline(type: nil, try self.selections(depth: depth + 1)))
        } else {
          selections.append(.spread(try name()))
        }
      } else {
        selections.append(.field(try field(depth: depth)))
      }
    }
    return selections
  }

  private mutating func field(depth: Int) throws(GraphQLRefusal) -> GraphQLDocument.Field {
    let key = try name()
    let name = skip(.mark(":")) ? try name() : key
    var arguments: [String: GraphQLDocument.Value] = [:]
    if skip(.mark("(")) {
      while !skip(.mark(")")) {
        let argument = try self.name()
        try expect(.mark(":"))
        arguments[argument] = try value(depth: 0)
      }
    }
    let inner = tokens.first == .mark("{") ? try selections(depth: depth + 1) : []
    return .init(key: key, name: name, arguments: arguments, selections: inner)
  }

  private mutating func value(depth: Int) throws(GraphQLRefusal) -> GraphQLDocument.Value {
    guard depth < GraphQLLimits.depth else { throw .validation("A value is nested too deeply.") }
    if skip(.mark("$")) { return .variable(try name()) }
    if skip(.mark("[")) {
      var elements: [GraphQLDocument.Value] = []
      while !skip(.mark("]")) { elements.append(try value(depth: depth + 1)) }
      return .list(elements)
    }
    if skip(.mark("{")) {
      var fields: [String: GraphQLDocument.Value] = [:]
      while !skip(.mark("}")) {
        let name = try name()
        try expect(.mark(":"))
        fields[name] = try value(depth: depth + 1)
      }
      return .object(fields)
    }
    switch tokens.popFirst() {
    case .number(let number): return .constant(.int(number))
    case .string(let text): return .constant(.string(text))
    case .name("true"): return .constant(true)
    case .name("false"): return .constant(false)
    case .name("null"): return .constant(nil)
    case .name(let name): return .constant(.string(name))
    default: throw .validation("A value is missing.")
    }
  }
}

/// What a service allows; the defaults of an indexer.
///
/// Source: iotaledger/iota, crates/iota-graphql-rpc/src/config.rs.
enum GraphQLLimits {
  static let depth = 20
  static let payloadSize = 5_000
  static let defaultPageSize = 20
  static let pageSize = 50
  static let transactionIDs = 1_000
}

/// Finds the answer to a document.
struct GraphQLExecution {
  let document: GraphQLDocument
  let variables: [String: JSON]
  private var errors: [JSON] = []

  init(_ document: GraphQLDocument, variables: [String: JSON]) throws(GraphQLRefusal) {
    self.document = document
    self.variables = variables
    for (name, variable) in document.variables where variable.isRequired {
      guard let value = variables[name], value != .null else {
        throw .validation("Variable $\(name) is not given.")
      }
    }
  }

  /// The body of the answer.
  mutating func answer(from root: GraphQLObject) throws(GraphQLRefusal) -> JSON {
    let data = try select(document.selections, of: root, path: [])
    return errors.isEmpty ? ["data": data] : ["data": data, "errors": .array(errors)]
  }

  private mutating func select(
    _ selections: [GraphQLDocument.Selection], of object: GraphQLObject, path: [JSON]
  ) throws(GraphQLRefusal) -> JSON {
    guard path.count < 4 * GraphQLLimits.depth else {
      throw .input("Query nesting is over its limit")
    }
    guard !selections.isEmpty else { throw .validation("Select fields of \(object.type).") }
    var fields: [String: JSON] = [:]
    for field in try self.fields(selections, on: object.type, depth: 0) {
      guard field.name != "__typename" else {
        fields[field.key] = .string(object.type)
        continue
      }
      let arguments = GraphQLArguments(values: try field.arguments.filled(by: self))
      guard let node = try object.field(field.name, arguments) else {
        throw .validation("Unknown field \"\(field.name)\" on type \"\(object.type)\".")
      }
      fields[field.key] = try show(node, field.selections, path: path + [.string(field.key)])
    }
    return .object(fields)
  }

  private mutating func show(
    _ node: GraphQLNode, _ selections: [GraphQLDocument.Selection], path: [JSON]
  ) throws(GraphQLRefusal) -> JSON {
    switch node {
    case .leaf(let value):
      return value
    case .object(let object):
      return try select(selections, of: object, path: path)
    case .nullable(let object):
      do {
        return try select(selections, of: object, path: path)
      } catch {
        guard error.code == GraphQLRefusal.missing("").code else { throw error }
        errors.append(error.json(at: path))
        return .null
      }
    case .list(let nodes):
      var elements: [JSON] = []
      for (index, node) in nodes.enumerated() {
        elements.append(try show(node, selections, path: path + [.int(Int64(index))]))
      }
      return .array(elements)
    }
  }

  /// The fields, those of fragments among them.
  private func fields(
    _ selections: [GraphQLDocument.Selection], on type: String, depth: Int
  ) throws(GraphQLRefusal) -> [GraphQLDocument.Field] {
    guard depth < GraphQLLimits.depth else { throw .validation("Fragments form a cycle.") }
    var fields: [GraphQLDocument.Field] = []
    for selection in selections {
      switch selection {
      case .field(let field):
        fields.append(field)
      case .inline(let condition, let inner):
        guard condition == nil || condition == type else { continue }
        fields += try self.fields(inner, on: type, depth: depth + 1)
      case .spread(let name):
        guard let fragment = document.fragments[name] else {
          throw .input("Fragment \(name) referred to but not found in document")
        }
        guard fragment.type == type else { continue }
        fields += try self.fields(fragment.selections, on: type, depth: depth + 1)
      }
    }
    return fields
  }

  fileprivate func fill(_ value: GraphQLDocument.Value) throws(GraphQLRefusal) -> JSON {
    switch value {
    case .constant(let json): return json
    case .list(let values):
      var elements: [JSON] = []
      for value in values { elements.append(try fill(value)) }
      return .array(elements)
    case .object(let fields):
      return .object(try fields.filled(by: self))
    case .variable(let name):
      guard let variable = document.variables[name] else {
        throw .validation("Variable $\(name) is not declared.")
      }
      if let given = variables[name] { return given }
      return try variable.fallback.map { value throws(GraphQLRefusal) in try fill(value) } ?? .null
    }
  }
}

extension [String: GraphQLDocument.Value] {
  fileprivate func filled(by execution: GraphQLExecution) throws(GraphQLRefusal) -> [String: JSON] {
    var filled: [String: JSON] = [:]
    for (name, value) in self { filled[name] = try execution.fill(value) }
    return filled
  }
}

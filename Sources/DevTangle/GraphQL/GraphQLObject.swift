/// An object of the graph: what its fields lead to.
struct GraphQLObject {
  let type: String
  /// The field of the name; nil where there is none.
  let field: (_ name: String, _ arguments: GraphQLArguments) throws(GraphQLRefusal) -> GraphQLNode?

  /// An object of constants.
  init(_ type: String, _ fields: [String: GraphQLNode]) {
    self.init(type) { name, _ in fields[name] }
  }

  init(
    _ type: String,
    _ field: @escaping (String, GraphQLArguments) throws(GraphQLRefusal) -> GraphQLNode?
  ) {
    self.type = type
    self.field = field
  }
}

/// What a field leads to.
indirect enum GraphQLNode {
  case leaf(JSON)
  case object(GraphQLObject)
  /// An object that is null where a field of it cannot be found out.
  case nullable(GraphQLObject)
  case list([GraphQLNode])

  static var null: GraphQLNode { .leaf(.null) }
}

/// A field's arguments, variables filled in.
struct GraphQLArguments {
  let values: [String: JSON]

  subscript(name: String) -> JSON? {
    let value = values[name]
    return value == .null ? nil : value
  }

  func int(_ name: String) throws(GraphQLRefusal) -> Int? {
    guard let value = self[name] else { return nil }
    guard let number = value.int, number >= 0 else {
      throw .input("Invalid value for argument \"\(name)\"")
    }
    return Int(number)
  }

  func string(_ name: String) throws(GraphQLRefusal) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.string else {
      throw .input("Invalid value for argument \"\(name)\"")
    }
    return text
  }
}

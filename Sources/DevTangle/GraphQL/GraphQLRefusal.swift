/// Why a query, or a field of it, has no answer.
struct GraphQLRefusal: Error {
  let message: String
  /// Nil for a document that is not valid.
  let code: String?

  /// The document is not valid, or asks for what this tangle does not know.
  static func validation(_ message: String) -> GraphQLRefusal {
    GraphQLRefusal(message: message, code: nil)
  }

  static func input(_ message: String) -> GraphQLRefusal {
    GraphQLRefusal(message: message, code: "BAD_USER_INPUT")
  }

  static func missing(_ message: String) -> GraphQLRefusal {
    GraphQLRefusal(message: message, code: "INTERNAL_SERVER_ERROR")
  }

  func json(at path: [JSON] = []) -> JSON {
    var fields: [String: JSON] = ["message": .string(message)]
    if !path.isEmpty { fields["path"] = .array(path) }
    if let code { fields["extensions"] = ["code": .string(code)] }
    return .object(fields)
  }
}

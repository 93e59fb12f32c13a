/// An error as a node answers it.
///
/// Source: https://www.jsonrpc.org/specification#error_object; iotaledger/iota,
/// crates/iota-json-rpc/src/error.rs.
struct RPCError: Error, Hashable {
  var code: Int64
  var message: String

  /// The body is no JSON.
  static let parse = RPCError(code: -32700, message: "Parse error")

  /// The JSON is no request.
  static let invalidRequest = RPCError(code: -32600, message: "Invalid request")

  /// There is no such method.
  static let methodNotFound = RPCError(code: -32601, message: "Method not found")

  /// A parameter is missing, malformed, or names what does not exist.
  static func invalid(_ message: String) -> RPCError { RPCError(code: -32602, message: message) }

  /// The transaction is not acceptable.
  static func transactionExecution(_ message: String) -> RPCError {
    RPCError(code: -32002, message: message)
  }

  /// No such transaction, or not any more.
  static func notFound(_ digest: some CustomStringConvertible) -> RPCError {
    .invalid("Could not find the referenced transaction [TransactionDigest(\(digest))].")
  }

  var json: JSON { ["code": .int(code), "message": .string(message)] }
}

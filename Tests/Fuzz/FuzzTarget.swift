/// A kind of input that strangers send, and what is promised for any bytes of it.
public struct FuzzTarget: Sendable {
  /// The kind, and the folder of its seeds in `Tests/Fuzz/Corpus`.
  public let name: String
  /// Reads the bytes as the project does; throws ``BrokenFuzzPromise`` where a promise does not hold.
  public let run: @Sendable ([UInt8]) throws -> Void

  /// All kinds.
  public static let all = [
    jsonPage, graphQLPage, stardustPage, jsonRPCAnswer, graphQLAnswer, listing, stardustIndexer,
    bcs, memo, sealed, signature, name, toml, agentTOML, plug, topic, topicTree,
  ]
}

/// What was promised of an input, and does not hold.
public struct BrokenFuzzPromise: Error, CustomStringConvertible {
  /// The promise.
  public let description: String
}

/// Throws unless a promise holds.
func promise(_ holds: Bool, _ promise: @autoclosure () -> String) throws {
  guard holds else { throw BrokenFuzzPromise(description: promise()) }
}

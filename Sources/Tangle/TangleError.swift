/// Why nothing could be read: one sentence that names the nodes, without their secrets.
public struct TangleError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure; more kinds may come.
  public struct Code: Hashable, Sendable {
    private let name: String

    private init(_ name: String) {
      self.name = name
    }

    /// No node answered; they are asked again when their time has come.
    public static let noNode = Code("no node")
    /// Fewer nodes answered than have to agree; what they told of is not lost.
    public static let tooFewNodes = Code("too few nodes")
    /// ``PaymentSource/cancel()`` was called, or the source's owner wanted the call to end.
    public static let cancelled = Code("cancelled")
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence about each node.
  public let reasons: [String]
  /// How long until a node may be asked again, in milliseconds; 0 where one may be at once.
  public let retryAfterMs: Int64

  static let cancelled = TangleError(
    code: .cancelled, reasons: ["the reading was cancelled"], retryAfterMs: 0)

  /// The reasons, separated by semicolons.
  public var description: String { reasons.joined(separator: "; ") }
}

/// A node belongs to another network than was configured, so that its payments are not ours.
public struct NetworkMismatch: Error, Hashable, CustomStringConvertible {
  /// The node's URL, without its secrets.
  public let node: String
  /// The network of the configuration.
  public let expected: String
  /// The node's network.
  public let found: String

  /// One sentence that says what to change.
  public var description: String {
    "\(node): this node is of network '\(found)', but 'network' is '\(expected)'; correct one of "
      + "the two"
  }
}

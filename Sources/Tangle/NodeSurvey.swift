public import PaywallCore

/// What one node tells of all that a broker relies on.
public struct NodeSurvey: Sendable {
  /// A transaction that the node lists and nobody knows here.
  public struct Unread: Hashable, Sendable {
    /// The transaction.
    public var digest: Digest
    /// Where it became final; nil where it is pending, or the node does not tell.
    public var checkpoint: Checkpoint?
  }

  /// The node's URL, without its secrets.
  public let url: String
  /// Whether the way there is encrypted.
  public let isEncrypted: Bool
  /// Whether it is this machine.
  public let isLocal: Bool
  /// Why it does not answer, or not everything: a sentence without the URL; nil where it does.
  public internal(set) var failure: String?
  /// How long the first answer took, in milliseconds, the connection included.
  public internal(set) var firstAnswerMs: Int64?
  /// The identifier of its network.
  public internal(set) var network: String?
  /// Its newest checkpoint.
  public internal(set) var newest: Checkpoint?
  /// How far the newest checkpoint's time was ahead of this machine's clock when it was told, in
  /// milliseconds.
  public internal(set) var skewMs: Int64?
  /// Whether it says that it is well; nodes of Rebased do not tell.
  public internal(set) var isHealthy = true
  /// Of the newest transactions of the address, those that are not known here; only Rebased.
  public internal(set) var unread: [Unread] = []
  /// Those that were asked for by name and that the node cannot tell any more; only Rebased.
  public internal(set) var lost: [Digest] = []
  /// The first milestone that the node still has; nil where it has all of them, and for Rebased.
  public internal(set) var oldest: Checkpoint?

  init(url: String, place: String) {
    self.url = url
    let place = place.lowercased()
    isEncrypted = place.hasPrefix("https://")
    let host = place.split(separator: "/", maxSplits: 1).last.map { $0.drop { $0 == "/" } } ?? ""
    isLocal = ["localhost", "127.", "[::1]"].contains { host.hasPrefix($0) }
  }
}

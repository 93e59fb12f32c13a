public import PaywallCore
public import TOML

/// What `paywall.toml` says.
public struct PaywallConfiguration: Sendable {
  /// The ledger's file, an absolute path.
  public var ledger: String
  /// The master secret's file, an absolute path.
  public var secretFile: String
  /// The name that wallets sign to log in here.
  public var realm: String
  /// Where payments are read.
  public var tangle: Tangle
  /// Who may read what without paying, and what is given beside what is bought.
  public var access: Access
  /// How often numbers about the plugin's work are told.
  public var metrics: Metrics
  /// What is sold, in the order of the file.
  public var offers: [OfferEntry]
  /// Devices and friends.
  public var accounts: [AccountEntry]

  /// The protocols of nodes.
  public enum TangleProtocol: String, Sendable, CaseIterable {
    /// JSON-RPC of a Rebased node or indexer.
    case rebasedJSONRPC = "rebased-jsonrpc"
    /// GraphQL of a Rebased indexer.
    case rebasedGraphQL = "rebased-graphql"
    /// REST of a Stardust node (Hornet) with its indexer: private tangles.
    case stardust
  }

  /// Where payments are read.
  public struct Tangle: Sendable {
    /// How the nodes are spoken to.
    public var `protocol`: TangleProtocol
    /// URLs, the preferred first; they may hold secrets.
    public var nodes: [String]
    /// The chain identifier; with Stardust, the `networkName` of the node's `/api/core/v2/info`.
    public var network: String
    /// Where buyers pay.
    public var address: Address
    /// How often to look while somebody waits, in milliseconds.
    public var pollMs: Int64
    /// How many nodes must tell the same of a payment, or of a time that is far from the wall
    /// clock's; at most as many as there are.
    public var agree: Int
    /// Earlier payments are not looked at, in Unix milliseconds; nil: from the ledger's birth.
    public var sinceMs: Int64?
  }

  /// Who may read what without paying, and what is given beside what is bought.
  public struct Access: Sendable {
    /// Topics that anyone may read.
    public var free: [TopicFilter]
    /// Whether a SUBSCRIBE is refused where none of it could be read.
    public var isSubscribeStrict: Bool
    /// Whether bought time that could not be used is made good.
    public var makesGood: Bool
    /// How long a payment that is in no checkpoint yet may give access, in milliseconds; 0: not at
    /// all.
    public var provisionalMs: Int64
  }

  /// How often numbers about the plugin's work are told.
  public struct Metrics: Sendable {
    /// In milliseconds; 0: never.
    public var intervalMs: Int64
  }

  /// An account that needs no payment.
  public struct AccountEntry: Hashable, Sendable {
    /// Its name, as Mosquitto authenticates it.
    public var username: Name
    /// Where it may publish.
    public var publish: [TopicFilter]
    /// What it may read.
    public var read: [TopicFilter]
  }

  /// Reads a configuration.
  ///
  /// - Parameters:
  ///   - text: The contents of the file.
  ///   - path: The file, for errors, and for paths in it that are relative to its folder.
  /// - Returns: The configuration.
  /// - Throws: `TOMLError` that names file, line, key and what to write instead.
  public static func parse(_ text: String, path: String) throws(TOMLError) -> Self {
    let root = try TOMLDocument.parse(text, path: path)
    let configuration = try Self(root)
    try root.finish()
    return configuration
  }
}

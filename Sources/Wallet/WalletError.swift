public import PaywallCore

/// Why the wallet could not do what was asked: one sentence, without secrets.
public struct WalletError: Error, Hashable, CustomStringConvertible {
  /// The kinds of failure, which decide what to do next.
  public enum Code: Hashable, Sendable {
    /// Something that was given cannot be used; nothing was sent.
    case invalidInput
    /// The key file is missing, unsafe or unreadable.
    case keyFile
    /// The node did not answer, or not as a node does; nothing was sent.
    case node
    /// The node belongs to another network; nothing was sent.
    case wrongNetwork
    /// The wallet holds too little; nothing was sent.
    case insufficientFunds
    /// The node or the network refused the payment; no money but perhaps gas has moved.
    case refused
    /// The payment was sent, and whether it was executed could not be found out.
    case outcomeUnknown(Digest)
  }

  /// The kind of failure.
  public let code: Code
  /// What happened, and what to do.
  public let description: String

  /// An error of the given kind and sentence.
  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

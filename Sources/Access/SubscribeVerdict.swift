/// How a SUBSCRIBE is judged.
public struct SubscribeVerdict: Hashable, Sendable {
  /// Whether the client may subscribe; never `defer`.
  public var decision: Decision
  /// Whether a group shares the messages (`$share/…`).
  public var isShared: Bool
  /// Whether anything that is sold is asked for.
  public var concernsSold: Bool
  /// Of a shared subscription that is allowed: how many connections of the account may read at once
  /// all that it asks for, so many of the newest; nil: any number.
  public var connectionLimit: Int?

  /// A verdict of the given parts.
  public init(
    decision: Decision, isShared: Bool, concernsSold: Bool, connectionLimit: Int? = nil
  ) {
    self.decision = decision
    self.isShared = isShared
    self.concernsSold = concernsSold
    self.connectionLimit = connectionLimit
  }
}

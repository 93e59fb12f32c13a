/// A fault built in on purpose: a simulation that does not find it proves nothing.
public enum Sabotage: Sendable, CaseIterable {
  /// Access ends a millisecond late.
  case lateEnd
  /// What was recorded is not handed over.
  case forgottenHandOver
  /// The last payment of a page is left out.
  case lostPayment
  /// A start takes away what the seller has granted.
  case forgetfulStart
  /// A purchase grows by a millisecond.
  case grownPurchase

  /// The promise that it breaks.
  public var promise: BrokenPromise.Promise {
    switch self {
    case .lateEnd: .access
    case .forgottenHandOver: .time
    case .lostPayment: .once
    case .forgetfulStart: .restart
    case .grownPurchase: .history
    }
  }
}

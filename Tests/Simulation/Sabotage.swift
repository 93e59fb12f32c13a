/// A fault built in on purpose: a simulation that does not find it proves nothing.
public enum Sabotage: Sendable, CaseIterable {
  /// Access ends a millisecond late.
  case lateEnd
  /// What was recorded is not handed over.
  case forgottenHandOver
  /// The last payment of a page is left out.
  case lostPayment
  /// Some of what nodes list is taken for known.
  case unreadDigest
  /// A start takes away what the seller has granted.
  case forgetfulStart
  /// A purchase grows by a millisecond.
  case grownPurchase
  /// Connections are not counted.
  case uncountedConnections
  /// Members of a shared subscription stay when their time is over.
  case swallowingMember
  /// A subscription to what cannot be read is allowed, though the seller is strict.
  case laxSubscribe
  /// Terms that were announced for a later time never begin.
  case forgottenAnnouncement
  /// One node's word is enough.
  case believedLiar
  /// More is made good than was lost.
  case generousLoss
  /// A client id is anybody's.
  case impostor

  /// The promise that it breaks.
  public var promise: BrokenPromise.Promise {
    switch self {
    case .lateEnd, .uncountedConnections, .swallowingMember, .laxSubscribe,
      .forgottenAnnouncement, .generousLoss, .impostor:
      .access
    case .forgottenHandOver: .time
    case .lostPayment, .unreadDigest, .believedLiar: .once
    case .forgetfulStart: .restart
    case .grownPurchase: .history
    }
  }
}

internal import HTTP
public import PaywallCore

/// Why a reading did not come upon a payment that a ledger holds.
public enum Absence: Hashable, Sendable {
  /// The node tells it, but does not list it for the address: what it says of it.
  case unlisted(Payment)
  /// The node still has the checkpoint of then, and it is not in it.
  case invented
  /// The node has forgotten the time of then, or at least this transaction.
  case pruned
}

extension NodeProbe {
  /// Finds out why a payment that a ledger holds was not read.
  ///
  /// - Parameters:
  ///   - digest: The transaction.
  ///   - checkpoint: Where the ledger says that it became final.
  ///   - seller: Where buyers pay.
  /// - Returns: The reason, as far as this node can know.
  /// - Throws: Where the node gives no answer.
  public func absence(
    of digest: Digest, at checkpoint: Int64, seller: Address
  ) throws -> Absence {
    switch api {
    case .rebased(let node):
      var node = node
      // Some tell with it how much may be asked at once.
      _ = try node.networkIdentifier()
      switch try node.judgement(of: digest, seller: seller) {
      case .clear(let payment): return .unlisted(payment)
      case .unclear: return .pruned
      case nil: break
      }
      guard try checkpoint >= 0 && checkpoint <= node.latestCheckpoint().sequence else {
        return .invented
      }
      let digests = try node.digests(inCheckpoint: checkpoint)
      return digests?.contains(digest) ?? true ? .pruned : .invented
    case .stardust(let node):
      // Every milestone that there is was read wholly, so what was not found is not there.
      let info = try node.info()
      return checkpoint > 0 && checkpoint <= info.pruned ? .pruned : .invented
    }
  }
}

import PaywallCore

/// What is known about one serialized signature, once it has been looked at.
public enum SignatureVerdict: Hashable, Sendable {
  /// The address's owner signed it.
  case valid
  /// It has no valid form, or somebody else signed it, or something else was signed.
  case invalid
  /// Its scheme is one that this module cannot judge.
  case unsupported(SignatureScheme)

  init(serialized: [UInt8], _ isValid: (UserSignature) -> Bool) {
    do {
      self = isValid(try UserSignature(serialized: serialized)) ? .valid : .invalid
    } catch {
      switch error {
      case .malformed: self = .invalid
      case .unsupported(let scheme): self = .unsupported(scheme)
      }
    }
  }
}

extension SignedTransaction {
  /// Whether the transaction is signed by its sender and, where that is somebody else, the owner of
  /// its gas, and by nobody more.
  ///
  /// The network takes the signatures in any order; so does this.
  public var verdict: SignatureVerdict {
    var missing = Set([transaction.sender, transaction.gas.owner])
    guard signatures.count == missing.count else { return .invalid }
    let digest = Intent.signingDigest(of: transaction)
    for serialized in signatures {
      let verdict = SignatureVerdict(serialized: serialized) { signature in
        missing.remove(signature.address) != nil && signature.isValid(for: digest)
      }
      guard verdict == .valid else { return verdict }
    }
    return .valid
  }
}

import PaywallCore

/// What is known about one serialized signature, once it has been looked at.
public enum SignatureVerdict: Hashable, Sendable {
  /// The address's key signed it.
  case valid
  /// It has no valid form, or somebody else's key signed it, or something else was signed.
  case invalid
  /// Its scheme is one that this module cannot judge.
  case unsupported(SignatureScheme)

  init(serialized: [UInt8], _ isValid: (Signature) -> Bool) {
    do {
      self = isValid(try Signature(serialized: serialized)) ? .valid : .invalid
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
    let signers = Set([transaction.sender, transaction.gas.owner])
    guard signatures.count == signers.count else { return .invalid }
    let digest = Intent.signingDigest(of: transaction)
    var missing = signers
    for serialized in signatures {
      var signer: Address?
      let verdict = SignatureVerdict(serialized: serialized) { signature in
        signer = signature.publicKey.address
        return signature.publicKey.isValid(signature: signature.bytes, of: digest.bytes)
      }
      guard verdict == .valid else { return verdict }
      guard let signer, missing.remove(signer) != nil else { return .invalid }
    }
    return .valid
  }
}

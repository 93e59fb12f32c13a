public import PaywallCore

/// How the owner of an address logs in to a broker: the username is the address, the password
/// `<expiry>.<signature>`, an IOTA personal-message signature over
/// `mqtt-paywall login <realm> <expiry>`.
///
/// A bearer secret like any password: it works until its expiry, and only where the realm is the
/// same. The clock is the caller's to compare.
public enum WalletLogin {
  /// How far ahead of now an expiry may lie, in seconds: 30 days.
  public static let maximumLifetimeS: Int64 = 30 * 24 * 60 * 60

  /// What username and password amount to.
  public enum Verdict: Hashable, Sendable {
    /// The address's owner signed a login that holds until the expiry, in Unix seconds. Whether
    /// that has passed, or lies too far ahead, is not judged here.
    case valid(Address, expiryS: Int64)
    /// The username is no address, so this is no wallet's login.
    case notAWallet
    /// The password has another form, or the signature is not the address's for this realm.
    case invalid
    /// The signature is of a scheme that cannot be judged here.
    case unsupported(SignatureScheme)
  }

  /// The password that lets the key's owner in to the realm until the expiry, in Unix seconds.
  public static func password(key: PrivateKey, realm: String, expiryS: Int64) -> String {
    let signature = key.sign(personalMessage: message(realm: realm, expiry: "\(expiryS)"))
    return "\(expiryS).\(signature.base64)"
  }

  /// 19 digits, a dot, and the longest signature in base64, a multisig of ten members.
  private static let maximumPasswordByteCount =
    20 + (MultisigSignature.maximumByteCount + 2) / 3 * 4

  /// Judges a username and a password for a realm.
  ///
  /// The broker's main thread does this when a client connects. It takes about 0.1 ms for Ed25519,
  /// 0.2 ms for secp256r1, 1 ms for secp256k1, and as much for each member of a multisig that
  /// signed; nothing where the signature is not of the address.
  public static func verify(username: String, password: String, realm: String) -> Verdict {
    guard let address = Address(username) else { return .notAWallet }
    guard password.utf8.count <= maximumPasswordByteCount else { return .invalid }
    let parts = password.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let expiryS = expiry(parts[0]), let bytes = Base64.decode(parts[1])
    else { return .invalid }
    let digest = Intent.signingDigest(
      ofPersonalMessage: message(realm: realm, expiry: parts[0]))
    let verdict = SignatureVerdict(serialized: bytes) { signature in
      signature.address == address && signature.isValid(for: digest)
    }
    return switch verdict {
    case .valid: .valid(address, expiryS: expiryS)
    case .invalid: .invalid
    case .unsupported(let scheme): .unsupported(scheme)
    }
  }

  private static func message(realm: String, expiry: some StringProtocol) -> [UInt8] {
    Array("mqtt-paywall login \(realm) \(expiry)".utf8)
  }

  /// Plain decimal digits, without sign or leading zero.
  private static func expiry(_ text: Substring) -> Int64? {
    guard let number = Int64(text), number > 0, "\(number)".utf8.elementsEqual(text.utf8) else {
      return nil
    }
    return number
  }
}

public import PaywallCore

/// What a signature is meant for.
///
/// It is part of what is signed, so that a signature for one purpose is worthless for another.
///
/// Source: iotaledger/iota, crates/shared-crypto/src/intent.rs (scope, version 0, application 0).
public enum Intent: Sendable {
  /// A transaction.
  case transaction
  /// A message for people, such as a login.
  case personalMessage

  /// The three bytes in front of what is signed.
  public var prefix: [UInt8] {
    switch self {
    case .transaction: [0, 0, 0]
    case .personalMessage: [3, 0, 0]
    }
  }

  /// The 32 bytes that a key signs for a transaction.
  public static func signingDigest(of transaction: Transaction) -> Bytes32 {
    Blake2b.hash(Intent.transaction.prefix + transaction.bcs)
  }

  /// The 32 bytes that a key signs for a personal message.
  public static func signingDigest(ofPersonalMessage message: [UInt8]) -> Bytes32 {
    var writer = BCSWriter()
    writer.fixed(Intent.personalMessage.prefix)
    writer.byteVector(message)
    return Blake2b.hash(writer.bytes)
  }
}

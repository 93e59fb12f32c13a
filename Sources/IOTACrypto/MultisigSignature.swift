public import PaywallCore

/// Signatures of several keys that control one address together: each key has a weight, and those
/// that sign must reach a threshold.
///
/// There are 1 to 10 members, all different, with weights of 1 to 255 and a threshold that they can
/// reach. Nothing else is accepted, so verifying takes ten signatures at the most.
///
/// Source: iotaledger/iota-rust-sdk, crates/iota-sdk-types/src/crypto/multisig.rs and
/// crates/iota-sdk-crypto/src/multisig.rs; iotaledger/iota, crates/iota-types/src/multisig.rs.
public struct MultisigSignature: Hashable, Sendable {
  /// The most members that there can be.
  public static let maximumMemberCount = 10

  /// The most bytes of a serialized signature: ten members that sign, all on elliptic curves.
  public static let maximumByteCount =
    1 + (1 + maximumMemberCount * 65) + 2 + (1 + maximumMemberCount * 35) + 2

  /// One of the keys.
  public struct Member: Hashable, Sendable {
    /// The key.
    public let key: PublicKey
    /// What its signature counts.
    public let weight: UInt8
  }

  /// The signatures of those members that signed, in the members' order.
  private let signatures: [MemberSignature]
  /// Bit i says that member i signed.
  private let bitmap: UInt16
  /// All members, in the order that their address depends on.
  public let members: [Member]
  /// The sum of weights that is enough.
  public let threshold: UInt16

  private struct MemberSignature: Hashable {
    var scheme: SignatureScheme
    var bytes: [UInt8]
  }

  /// Reads a serialized signature: the flag 3 and the BCS of the four parts.
  ///
  /// - Throws: `unsupported` of a scheme where a member signed with one that is not verified here.
  public init(serialized: [UInt8]) throws(Signature.ParseError) {
    guard serialized.first == SignatureScheme.multisig.flag else { throw .malformed }
    var reader = BCSReader(Array(serialized.dropFirst()))
    do {
      signatures = try Self.list("multisig signatures", &reader, Self.signature)
      bitmap = try reader.u16("multisig bitmap")
      members = try Self.list("multisig members", &reader, Self.member)
      threshold = try reader.u16("multisig threshold")
      try reader.finish("the multisig")
    } catch let error as Signature.ParseError {
      throw error
    } catch {
      throw .malformed
    }
    guard isWellFormed else { throw .malformed }
  }

  private var isWellFormed: Bool {
    threshold > 0 && Int(threshold) <= members.reduce(0) { $0 + Int($1.weight) }
      && members.allSatisfy { $0.weight > 0 }
      && Set(members.map(\.key)).count == members.count
      && bitmap.nonzeroBitCount == signatures.count
      && UInt16.bitWidth - bitmap.leadingZeroBitCount <= members.count
  }

  /// The members that signed, in order.
  private var signers: [Member] {
    members.enumerated().filter { bitmap >> $0.offset & 1 == 1 }.map(\.element)
  }

  /// The address that the members control together: BLAKE2b-256 of the flag, the threshold, and each
  /// member's key and weight.
  public var address: Address {
    var writer = BCSWriter()
    writer.number(SignatureScheme.multisig.flag)
    writer.number(threshold)
    for member in members {
      writer.fixed(member.key.hashedBytes)
      writer.number(member.weight)
    }
    return Address(Blake2b.hash(writer.bytes))
  }

  /// Whether every member that is said to have signed the digest did, and they weigh enough.
  func isValid(for digest: Bytes32) -> Bool {
    var weight = 0
    for (signature, signer) in zip(signatures, signers) {
      guard signature.scheme == signer.key.scheme,
        signer.key.isValid(signature: signature.bytes, of: digest.bytes)
      else { return false }
      weight += Int(signer.weight)
    }
    return weight >= Int(threshold)
  }
}

extension MultisigSignature {
  /// The schemes in the order of their variants in BCS, which are not their flags.
  private static let variants: [SignatureScheme] = [
    .ed25519, .secp256k1, .secp256r1, .zkLogin, .passkey,
  ]

  private static func scheme(_ reader: inout BCSReader) throws -> SignatureScheme {
    let variant = Int(try reader.uleb128("scheme"))
    guard variants.indices.contains(variant) else { throw Signature.ParseError.malformed }
    return variants[variant]
  }

  private static func list<Element>(
    _ what: String, _ reader: inout BCSReader, _ element: (inout BCSReader) throws -> Element
  ) throws -> [Element] {
    let count = try reader.length(what)
    guard (1...maximumMemberCount).contains(count) else { throw Signature.ParseError.malformed }
    return try (0..<count).map { _ in try element(&reader) }
  }

  private static func signature(_ reader: inout BCSReader) throws -> MemberSignature {
    let scheme = try scheme(&reader)
    guard Signature.schemes.contains(scheme) else {
      throw Signature.ParseError.unsupported(scheme)
    }
    return MemberSignature(
      scheme: scheme, bytes: try reader.fixed(Signature.byteCount, "signature of a member"))
  }

  /// A member that does not sign may have a passkey, or bytes that are no key at all.
  private static func member(_ reader: inout BCSReader) throws -> Member {
    let scheme = try scheme(&reader)
    guard let count = scheme.publicKeyByteCount,
      let key = PublicKey(scheme, bytes: try reader.fixed(count, "key of a member"))
    else { throw Signature.ParseError.unsupported(scheme) }
    return Member(key: key, weight: try reader.u8("weight of a member"))
  }
}

import IOTACrypto
import PaywallCore

/// An object of the type `0x2::coin::Coin<0x2::iota::IOTA>`, the one type this tangle keeps.
struct Coin: Hashable, Sendable {
  var id: Address
  var version: UInt64
  var owner: Address
  /// In NANOS.
  var balance: UInt64
  /// The transaction that wrote this version.
  var previousTransaction: Digest

  /// What keeping a coin costs, in NANOS, given back when it is deleted: 129 bytes at 7,600.
  static let storageCost: UInt64 = 129 * 7_600

  /// The coin type, as JSON-RPC writes it.
  static let coinType = "0x2::iota::IOTA"

  /// The type of the object, as JSON-RPC writes it.
  static let objectType = "0x2::coin::Coin<\(coinType)>"

  /// The object as nodes store it.
  ///
  /// Source: iotaledger/iota, crates/iota-types/src/object.rs (`ObjectInner`) and base_types.rs
  /// (`MoveObjectType_::GasCoin`).
  var bcs: [UInt8] {
    var contents = BCSWriter()
    contents.address(id)
    contents.number(balance)
    var writer = BCSWriter()
    writer.uleb128(0)  // a Move object
    writer.uleb128(1)  // of the type Coin<IOTA>
    writer.number(version)
    writer.byteVector(contents.bytes)
    writer.uleb128(0)  // owned by an address
    writer.address(owner)
    writer.digest(previousTransaction)
    writer.number(Self.storageCost)
    return writer.bytes
  }

  /// The digest of the contents.
  var digest: Digest { Digest(hashing: bcs, as: "Object") }

  /// What a transaction names to use this version.
  var reference: ObjectReference { ObjectReference(id: id, version: version, digest: digest) }
}

extension Digest {
  /// BLAKE2b-256 of a type's name, two colons and a value's BCS, as the network hashes its values.
  init(hashing bcs: [UInt8], as typeName: String) {
    self.init(Blake2b.hash(Array("\(typeName)::".utf8) + bcs))
  }

  /// What stands for the digest of an object that was deleted: 32 bytes of 99.
  static let deletedObject = Digest(Bytes32([UInt8](repeating: 99, count: 32)) ?? .zero)
}

extension Address {
  /// The id of the object that a transaction creates as its n-th.
  ///
  /// Source: iotaledger/iota, crates/iota-types/src/base_types.rs (`ObjectID::derive_id`).
  static func objectID(createdBy digest: Digest, number: UInt64) -> Address {
    var writer = BCSWriter()
    writer.number(UInt8(0xf1))  // HashingIntentScope::RegularObjectId
    writer.fixed(digest.bytes)
    writer.number(number)
    return Address(Blake2b.hash(writer.bytes))
  }
}

/// The layout is that of `SenderSignedData` in iotaledger/iota,
/// crates/iota-types/src/transaction.rs: what JSON-RPC calls `rawTransaction`, and GraphQL `bcs`.
extension SignedTransaction {
  /// Reads `SenderSignedData` that must fill the bytes.
  ///
  /// The signatures are not checked here.
  ///
  /// - Throws: ``BCSError``, as ``Transaction/init(bcs:)`` does.
  public init(bcs bytes: [UInt8]) throws(BCSError) {
    var reader = BCSReader(bytes)
    try reader.expect(1, "number of signed transactions")
    for byte in Intent.transaction.prefix {
      try reader.expect(UInt32(byte), "intent")
    }
    transaction = try Transaction(from: &reader)
    signatures = try reader.vector("signatures") { (reader) throws(BCSError) in
      try reader.byteVector("signature")
    }
    try reader.finish("the signed transaction")
  }

  /// The bytes of `SenderSignedData`.
  public var bcs: [UInt8] {
    var writer = BCSWriter()
    writer.uleb128(1)
    writer.fixed(Intent.transaction.prefix)
    transaction.write(to: &writer)
    writer.vector(signatures) { $0.byteVector($1) }
    return writer.bytes
  }
}

public import PaywallCore

/// The layout is that of `TransactionData` in iotaledger/iota,
/// crates/iota-types/src/transaction.rs.
extension Transaction {
  /// The most bytes that a network accepts (`max_tx_size_bytes`).
  public static let maximumByteCount = 128 * 1024

  /// Reads `TransactionData` that must fill the bytes.
  ///
  /// - Throws: ``BCSError``; of the code `unsupported` for what only the network's own validators
  ///   send (a kind other than programmable) and for versions to come.
  public init(bcs bytes: [UInt8]) throws(BCSError) {
    var reader = BCSReader(bytes)
    try self.init(from: &reader)
    try reader.finish("the transaction")
  }

  /// The bytes of `TransactionData`.
  public var bcs: [UInt8] {
    var writer = BCSWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// The digest that names the transaction: BLAKE2b-256 of `TransactionData::` and its bytes.
  public var digest: Digest {
    Digest(Blake2b.hash(Array("TransactionData::".utf8) + bcs))
  }

  init(from reader: inout BCSReader) throws(BCSError) {
    try reader.expect(0, "transaction version")
    try reader.expect(0, "transaction kind")
    inputs = try reader.vector("inputs") { (reader) throws(BCSError) in
      try Input(from: &reader)
    }
    commands = try reader.vector("commands") { (reader) throws(BCSError) in
      try Command(from: &reader)
    }
    sender = try reader.address("sender")
    gas = try GasData(from: &reader)
    expirationEpoch = try reader.option("expiration") { (reader) throws(BCSError) in
      try reader.u64("expiration epoch")
    }
  }

  func write(to writer: inout BCSWriter) {
    writer.uleb128(0)
    writer.uleb128(0)
    writer.vector(inputs) { $1.write(to: &$0) }
    writer.vector(commands) { $1.write(to: &$0) }
    writer.address(sender)
    gas.write(to: &writer)
    writer.option(expirationEpoch) { $0.number($1) }
  }
}

extension Transaction.Input {
  init(from reader: inout BCSReader) throws(BCSError) {
    let start = reader.offset
    switch try reader.uleb128("input") {
    case 0: self = .pure(try reader.byteVector("pure input"))
    case 1: self = try .object(from: &reader)
    case let variant:
      throw BCSError(code: .unsupported, offset: start, what: "an input of kind \(variant)")
    }
  }

  private static func object(from reader: inout BCSReader) throws(BCSError) -> Self {
    let start = reader.offset
    switch try reader.uleb128("object input") {
    case 0: return .owned(try ObjectReference(from: &reader))
    case 1:
      return .shared(
        id: try reader.address("shared object"),
        initialVersion: try reader.u64("initial version"),
        mutable: try reader.bool("mutability"))
    case 2: return .receiving(try ObjectReference(from: &reader))
    case let variant:
      throw BCSError(code: .unsupported, offset: start, what: "an object of kind \(variant)")
    }
  }

  func write(to writer: inout BCSWriter) {
    switch self {
    case .pure(let bytes):
      writer.uleb128(0)
      writer.byteVector(bytes)
    case .owned(let reference):
      writer.uleb128(1)
      writer.uleb128(0)
      reference.write(to: &writer)
    case .shared(let id, let initialVersion, let mutable):
      writer.uleb128(1)
      writer.uleb128(1)
      writer.address(id)
      writer.number(initialVersion)
      writer.bool(mutable)
    case .receiving(let reference):
      writer.uleb128(1)
      writer.uleb128(2)
      reference.write(to: &writer)
    }
  }
}

extension Transaction.GasData {
  init(from reader: inout BCSReader) throws(BCSError) {
    payment = try reader.vector("gas coins") { (reader) throws(BCSError) in
      try ObjectReference(from: &reader)
    }
    owner = try reader.address("gas owner")
    price = try reader.u64("gas price")
    budget = try reader.u64("gas budget")
  }

  func write(to writer: inout BCSWriter) {
    writer.vector(payment) { $1.write(to: &$0) }
    writer.address(owner)
    writer.number(price)
    writer.number(budget)
  }
}

extension ObjectReference {
  init(from reader: inout BCSReader) throws(BCSError) {
    id = try reader.address("object id")
    version = try reader.u64("object version")
    digest = try reader.digest("object digest")
  }

  func write(to writer: inout BCSWriter) {
    writer.address(id)
    writer.number(version)
    writer.digest(digest)
  }
}

extension BCSReader {
  /// Reads an enum's variant of which only one is supported.
  mutating func expect(_ variant: UInt32, _ what: String) throws(BCSError) {
    let start = offset
    let found = try uleb128(what)
    guard found == variant else {
      throw BCSError(code: .unsupported, offset: start, what: "\(what) \(found)")
    }
  }
}

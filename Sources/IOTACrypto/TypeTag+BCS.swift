extension Transaction.TypeTag {
  /// IOTA's limit `max_type_argument_depth`: no deeper type is ever executed.
  private static let maximumDepth = 16

  init(from reader: inout BCSReader, depth: Int = 1) throws(BCSError) {
    let start = reader.offset
    guard depth <= Self.maximumDepth else {
      throw BCSError(
        code: .limit, offset: start, what: "type tags nest deeper than \(Self.maximumDepth)")
    }
    switch try reader.uleb128("type tag") {
    case 0: self = .bool
    case 1: self = .u8
    case 2: self = .u64
    case 3: self = .u128
    case 4: self = .address
    case 5: self = .signer
    case 6: self = .vector(try Self(from: &reader, depth: depth + 1))
    case 7:
      self = .structure(
        address: try reader.address("address of a struct tag"),
        module: try reader.identifier("module of a struct tag"),
        name: try reader.identifier("name of a struct tag"),
        typeArguments: try reader.vector("type arguments of a struct tag") {
          (reader) throws(BCSError) in
          try Self(from: &reader, depth: depth + 1)
        })
    case 8: self = .u16
    case 9: self = .u32
    case 10: self = .u256
    case let variant:
      throw BCSError(code: .malformed, offset: start, what: "type tag (\(variant))")
    }
  }

  func write(to writer: inout BCSWriter) {
    switch self {
    case .bool: writer.uleb128(0)
    case .u8: writer.uleb128(1)
    case .u64: writer.uleb128(2)
    case .u128: writer.uleb128(3)
    case .address: writer.uleb128(4)
    case .signer: writer.uleb128(5)
    case .vector(let element):
      writer.uleb128(6)
      element.write(to: &writer)
    case .structure(let address, let module, let name, let typeArguments):
      writer.uleb128(7)
      writer.address(address)
      writer.string(module)
      writer.string(name)
      writer.vector(typeArguments) { $1.write(to: &$0) }
    case .u16: writer.uleb128(8)
    case .u32: writer.uleb128(9)
    case .u256: writer.uleb128(10)
    }
  }
}

import PaywallCore

extension Transaction.Command {
  init(from reader: inout BCSReader) throws(BCSError) {
    let start = reader.offset
    switch try reader.uleb128("command") {
    case 0: self = try .moveCall(from: &reader)
    case 1:
      let objects = try reader.arguments("objects to transfer")
      self = .transferObjects(objects, to: try Transaction.Argument(from: &reader))
    case 2:
      let coin = try Transaction.Argument(from: &reader)
      self = .splitCoins(coin, amounts: try reader.arguments("amounts to split off"))
    case 3:
      let coin = try Transaction.Argument(from: &reader)
      self = .mergeCoins(coin, from: try reader.arguments("coins to merge"))
    case 4:
      self = .publish(modules: try reader.modules(), dependencies: try reader.dependencies())
    case 5:
      let type = try reader.option("type of a vector") { (reader) throws(BCSError) in
        try Transaction.TypeTag(from: &reader)
      }
      self = .makeMoveVector(type, try reader.arguments("elements of a vector"))
    case 6:
      self = .upgrade(
        modules: try reader.modules(), dependencies: try reader.dependencies(),
        package: try reader.address("package to upgrade"),
        ticket: try Transaction.Argument(from: &reader))
    case let variant:
      throw BCSError(code: .unsupported, offset: start, what: "a command of kind \(variant)")
    }
  }

  private static func moveCall(from reader: inout BCSReader) throws(BCSError) -> Self {
    .moveCall(
      package: try reader.address("package of a call"),
      module: try reader.identifier("module of a call"),
      function: try reader.identifier("function of a call"),
      typeArguments: try reader.vector("type arguments of a call") { (reader) throws(BCSError) in
        try Transaction.TypeTag(from: &reader)
      },
      arguments: try reader.arguments("arguments of a call"))
  }

  func write(to writer: inout BCSWriter) {
    switch self {
    case .moveCall(let package, let module, let function, let typeArguments, let arguments):
      writer.uleb128(0)
      writer.address(package)
      writer.string(module)
      writer.string(function)
      writer.vector(typeArguments) { $1.write(to: &$0) }
      writer.arguments(arguments)
    case .transferObjects(let objects, let recipient):
      writer.uleb128(1)
      writer.arguments(objects)
      recipient.write(to: &writer)
    case .splitCoins(let coin, let amounts):
      writer.uleb128(2)
      coin.write(to: &writer)
      writer.arguments(amounts)
    case .mergeCoins(let coin, let others):
      writer.uleb128(3)
      coin.write(to: &writer)
      writer.arguments(others)
    case .publish(let modules, let dependencies):
      writer.uleb128(4)
      writer.vector(modules) { $0.byteVector($1) }
      writer.vector(dependencies) { $0.address($1) }
    case .makeMoveVector(let type, let elements):
      writer.uleb128(5)
      writer.option(type) { $1.write(to: &$0) }
      writer.arguments(elements)
    case .upgrade(let modules, let dependencies, let package, let ticket):
      writer.uleb128(6)
      writer.vector(modules) { $0.byteVector($1) }
      writer.vector(dependencies) { $0.address($1) }
      writer.address(package)
      ticket.write(to: &writer)
    }
  }
}

extension Transaction.Argument {
  init(from reader: inout BCSReader) throws(BCSError) {
    let start = reader.offset
    switch try reader.uleb128("argument") {
    case 0: self = .gas
    case 1: self = .input(try reader.u16("input index"))
    case 2: self = .result(try reader.u16("result index"))
    case 3:
      self = .nestedResult(try reader.u16("result index"), try reader.u16("nested result index"))
    case let variant:
      throw BCSError(code: .malformed, offset: start, what: "argument (\(variant))")
    }
  }

  func write(to writer: inout BCSWriter) {
    switch self {
    case .gas: writer.uleb128(0)
    case .input(let index):
      writer.uleb128(1)
      writer.number(index)
    case .result(let index):
      writer.uleb128(2)
      writer.number(index)
    case .nestedResult(let command, let index):
      writer.uleb128(3)
      writer.number(command)
      writer.number(index)
    }
  }
}

extension BCSReader {
  fileprivate mutating func arguments(_ what: String) throws(BCSError) -> [Transaction.Argument] {
    try vector(what) { (reader) throws(BCSError) in try Transaction.Argument(from: &reader) }
  }

  fileprivate mutating func modules() throws(BCSError) -> [[UInt8]] {
    try vector("modules") { (reader) throws(BCSError) in try reader.byteVector("module") }
  }

  fileprivate mutating func dependencies() throws(BCSError) -> [Address] {
    try vector("dependencies") { (reader) throws(BCSError) in
      try reader.address("dependency")
    }
  }
}

extension BCSWriter {
  fileprivate mutating func arguments(_ arguments: [Transaction.Argument]) {
    vector(arguments) { $1.write(to: &$0) }
  }
}

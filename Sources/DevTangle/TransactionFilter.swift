import IOTACrypto
import PaywallCore

/// Which transactions a query is about: the filters that a full node has indexes for.
enum TransactionFilter {
  case all
  case toAddress(Address)
  case fromAddress(Address)
  case checkpoint(UInt64)
  case inputObject(Address)
  case changedObject(Address)
  case moveFunction(package: Address, module: String?, function: String?)

  /// Reads a filter such as `{"ToAddress":"0x…"}`; null asks for everything.
  init(_ json: JSON) throws(RPCError) {
    guard json != .null else {
      self = .all
      return
    }
    guard case .object(let fields) = json, fields.count == 1, let (name, value) = fields.first
    else { throw .invalid("Invalid params: filter must be an object with one filter.") }
    switch name {
    case "ToAddress": self = .toAddress(try Self.address(value, name))
    case "FromAddress": self = .fromAddress(try Self.address(value, name))
    case "InputObject": self = .inputObject(try Self.address(value, name))
    case "ChangedObject": self = .changedObject(try Self.address(value, name))
    case "Checkpoint":
      guard let number = value.string.flatMap(UInt64.init) ?? value.int.flatMap(UInt64.init)
      else { throw .invalid("Invalid params: Checkpoint must be a sequence number.") }
      self = .checkpoint(number)
    case "MoveFunction":
      self = .moveFunction(
        package: try Self.address(value["package"] ?? .null, name),
        module: value["module"]?.string, function: value["function"]?.string)
    case "FromAndToAddress", "FromOrToAddress", "TransactionKind", "TransactionKindIn":
      throw .invalid(
        "Error checking transaction input objects: Unsupported(\"Some(\(name))\")")
    default:
      throw .invalid("Invalid params: there is no filter \(name).")
    }
  }

  private static func address(_ json: JSON, _ name: String) throws(RPCError) -> Address {
    guard let address = json.string.flatMap({ Address(abbreviated: $0) }) else {
      throw .invalid("Invalid params: \(name) must be 0x and up to 64 hexadecimal digits.")
    }
    return address
  }

  /// The first transactions at the places in the order of execution, or the last, newest first.
  ///
  /// For those to an address there is an index; for the others, all of the places are looked at.
  func transactions(
    of chain: Chain, at places: Range<Int>, descending: Bool, limit: Int
  ) -> [ExecutedTransaction] {
    func first(_ candidates: some Sequence<Int>) -> [ExecutedTransaction] {
      Array(candidates.lazy.map { chain.transactions[$0] }.filter { matches($0) }.prefix(limit))
    }
    guard case .toAddress(let address) = self else {
      return descending ? first(places.reversed()) : first(places)
    }
    let all = chain.positions(to: address)
    let some = all[
      all.firstPlace(from: places.lowerBound)..<all.firstPlace(from: places.upperBound)]
    return descending ? first(some.reversed()) : first(some)
  }

  /// Whether the transaction is one of them.
  func matches(_ executed: ExecutedTransaction) -> Bool {
    switch self {
    case .all: true
    case .toAddress(let address): executed.written.contains { $0.owner == address }
    case .fromAddress(let address): executed.transaction.sender == address
    case .checkpoint(let number): executed.checkpoint == number
    case .inputObject(let id): executed.before.contains { $0.id == id }
    case .changedObject(let id): executed.written.contains { $0.id == id }
    case .moveFunction(let package, let module, let function):
      executed.transaction.commands.contains { command in
        guard case .moveCall(package, let itsModule, let itsFunction, _, _) = command else {
          return false
        }
        return module ?? itsModule == itsModule && function ?? itsFunction == itsFunction
      }
    }
  }
}

extension [Int] {
  /// The index of the first element, of elements in order, that is not below the bound.
  fileprivate func firstPlace(from bound: Int) -> Int {
    var range = startIndex..<endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = self[middle] < bound ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }
}

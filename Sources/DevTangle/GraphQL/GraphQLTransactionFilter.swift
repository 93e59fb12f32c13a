import IOTACrypto
import PaywallCore

/// All of the conditions of a `TransactionBlockFilter`.
struct GraphQLTransactionFilter {
  private var conditions: [(ExecutedTransaction) -> Bool] = []

  init(_ json: JSON?) throws(GraphQLRefusal) {
    guard let json else { return }
    guard case .object(let fields) = json else {
      throw .input("Invalid value for argument \"filter\"")
    }
    for (name, value) in fields where value != .null {
      conditions.append(try Self.condition(name, value))
    }
  }

  func matches(_ executed: ExecutedTransaction) -> Bool {
    conditions.allSatisfy { $0(executed) }
  }

  private static func condition(
    _ name: String, _ value: JSON
  ) throws(GraphQLRefusal) -> (ExecutedTransaction) -> Bool {
    let address = value.string.flatMap { Address(abbreviated: $0) }
    let number = value.int.flatMap { UInt64(exactly: $0) }
    switch (name, address, number) {
    case ("recvAddress", let address?, _): return TransactionFilter.toAddress(address).matches
    // The older name and the newer.
    case ("signAddress", let address?, _), ("sentAddress", let address?, _):
      return TransactionFilter.fromAddress(address).matches
    case ("inputObject", let id?, _): return TransactionFilter.inputObject(id).matches
    case ("changedObject", let id?, _): return TransactionFilter.changedObject(id).matches
    case ("atCheckpoint", _, let number?): return { $0.checkpoint == number }
    case ("afterCheckpoint", _, let number?): return { $0.checkpoint.map { $0 > number } == true }
    case ("beforeCheckpoint", _, let number?): return { $0.checkpoint.map { $0 < number } == true }
    case ("transactionIds", _, _):
      let digests = (value.array ?? []).compactMap { $0.string.flatMap { Digest($0) } }
      guard let count = value.array?.count, digests.count == count else {
        throw .input("Invalid value for argument \"filter.transactionIds\"")
      }
      guard count <= GraphQLLimits.transactionIDs else {
        throw .input("Transaction IDs exceed max limit of '\(GraphQLLimits.transactionIDs)'")
      }
      let wanted = Set(digests)
      return { wanted.contains($0.digest) }
    default: throw .input("Invalid value for argument \"filter.\(name)\"")
    }
  }
}

import IOTACrypto
import PaywallCore

/// The run of one transaction's commands over its coins.
///
/// It works on balances alone; versions, gas and storage are ``Chain``'s business.
///
/// Source: iotaledger/iota, iota-execution/latest/iota-adapter/src/programmable_transactions.
struct Execution {
  /// A coin while commands work on it.
  struct Purse: Hashable {
    var id: Address
    var balance: UInt64
  }

  /// Where an object ends up.
  struct Outcome: Hashable {
    var owner: Address
    var balance: UInt64
  }

  /// Why a command failed, in the words of a node.
  struct Failure: Error, Hashable {
    var reason: String
  }

  /// A value that commands take and give.
  enum Value: Hashable {
    case coin(Purse)
    /// A Move string, which may be dropped.
    case text
    /// The bytes of a pure input, which may be used again and again.
    case pure([UInt8])
  }

  /// A place that holds a value until a command takes it.
  enum Place: Hashable {
    case gas
    case input(Int)
    case result(Int, Int)
  }

  let digest: Digest
  let gasOwner: Address
  let sender: Address
  private var values: [Place: Value] = [:]
  private var resultCounts: [Int] = []
  private let inputCount: Int
  private var createdCount: UInt64 = 0
  /// The objects that got an owner, by id.
  private(set) var outcomes: [Address: Outcome] = [:]

  /// A run of the transaction, with the balance that its gas coin may spend and its other coins.
  init(_ transaction: Transaction, digest: Digest, gas: Purse, coins: [Address: UInt64]) {
    self.digest = digest
    gasOwner = transaction.gas.owner
    sender = transaction.sender
    inputCount = transaction.inputs.count
    values[.gas] = .coin(gas)
    for (index, input) in transaction.inputs.enumerated() {
      switch input {
      case .pure(let bytes):
        values[.input(index)] = .pure(bytes)
      case .owned(let reference):
        let balance = coins[reference.id] ?? 0
        values[.input(index)] = .coin(Purse(id: reference.id, balance: balance))
      case .shared, .receiving:
        break  // refused before execution
      }
    }
  }

  /// Runs the commands, then gives what nobody took back to its owner.
  mutating func run(_ commands: [Transaction.Command]) throws(Failure) {
    for (index, command) in commands.enumerated() {
      do {
        let results = try run(command)
        for (position, value) in results.enumerated() {
          values[.result(index, position)] = value
        }
        resultCounts.append(results.count)
      } catch {
        throw Failure(reason: "\(error.reason) in command \(index)")
      }
    }
    try finish()
  }

  private mutating func finish() throws(Failure) {
    for (command, count) in resultCounts.enumerated() {
      for position in 0..<count {
        guard case .coin = values[.result(command, position)] else { continue }
        let place = "result_idx: \(command), secondary_idx: \(position)"
        throw Failure(reason: "UnusedValueWithoutDrop { \(place) }")
      }
    }
    for (place, value) in values {
      guard case .coin(let purse) = value else { continue }
      outcomes[purse.id] = Outcome(owner: place == .gas ? gasOwner : sender, balance: purse.balance)
    }
  }

  private mutating func run(_ command: Transaction.Command) throws(Failure) -> [Value] {
    switch command {
    case .splitCoins(let coin, let amounts):
      return try split(coin, amounts)
    case .mergeCoins(let target, let sources):
      try merge(sources, into: target)
      return []
    case .transferObjects(let objects, let recipient):
      try transfer(objects, to: recipient)
      return []
    case .moveCall(_, _, _, let typeArguments, let arguments):
      return [try makeString(typeArguments, arguments)]
    default:
      throw Failure(reason: "FeatureNotYetSupported")  // refused before execution
    }
  }

  // MARK: Commands

  private mutating func split(
    _ coin: Transaction.Argument, _ amounts: [Transaction.Argument]
  ) throws(Failure) -> [Value] {
    let place = try place(of: coin, at: 0)
    var purse = try purse(in: place, at: 0)
    var results: [Value] = []
    for (position, argument) in amounts.enumerated() {
      let amount = try amount(argument, at: position + 1)
      guard amount <= purse.balance else { throw Failure(reason: "InsufficientCoinBalance") }
      purse.balance -= amount
      let id = Address.objectID(createdBy: digest, number: createdCount)
      createdCount += 1
      results.append(.coin(Purse(id: id, balance: amount)))
    }
    values[place] = .coin(purse)
    return results
  }

  private mutating func merge(
    _ sources: [Transaction.Argument], into target: Transaction.Argument
  ) throws(Failure) {
    let place = try place(of: target, at: 0)
    var purse = try purse(in: place, at: 0)
    // The target is held while the sources are taken, so that it cannot be one of them.
    values[place] = nil
    for (position, argument) in sources.enumerated() {
      let source = try take(argument, at: position + 1)
      let (sum, overflow) = purse.balance.addingReportingOverflow(source.balance)
      guard !overflow else { throw Failure(reason: "CoinBalanceOverflow") }
      purse.balance = sum
    }
    values[place] = .coin(purse)
  }

  private mutating func transfer(
    _ objects: [Transaction.Argument], to recipient: Transaction.Argument
  ) throws(Failure) {
    let position = objects.count
    guard case .pure(let bytes) = try value(in: place(of: recipient, at: position), at: position)
    else { throw argument(position, "TypeMismatch") }
    guard let owner = Address(bytes: bytes) else { throw argument(position, "InvalidBCSBytes") }
    for (position, object) in objects.enumerated() {
      let purse = try take(object, at: position, gasAllowed: true)
      outcomes[purse.id] = Outcome(owner: owner, balance: purse.balance)
    }
  }

  /// `0x1::string::utf8`.
  private mutating func makeString(
    _ typeArguments: [Transaction.TypeTag], _ arguments: [Transaction.Argument]
  ) throws(Failure) -> Value {
    guard typeArguments.isEmpty else {
      throw Failure(reason: "TypeArityMismatch")
    }
    guard arguments.count == 1, let only = arguments.first else {
      throw Failure(reason: "ArityMismatch")
    }
    guard case .pure(let bytes) = try value(in: place(of: only, at: 0), at: 0) else {
      throw argument(0, "TypeMismatch")
    }
    guard let text = PureValue.byteVector(bytes) else { throw argument(0, "InvalidBCSBytes") }
    guard String(validating: text, as: UTF8.self) != nil else {
      let module =
        "ModuleId { address: \(Address.moveStandardLibrary.digits)"
        + ", name: Identifier(\"string\") }"
      let location =
        "MoveLocation { module: \(module), function: 2, instruction: 8"
        + ", function_name: Some(\"utf8\") }"
      throw Failure(reason: "MoveAbort(\(location), 1)")
    }
    return .text
  }

  // MARK: Arguments

  private func argument(_ position: Int, _ kind: String) -> Failure {
    Failure(reason: "CommandArgumentError { arg_idx: \(position), kind: \(kind) }")
  }

  private func place(of given: Transaction.Argument, at position: Int) throws(Failure) -> Place {
    switch given {
    case .gas:
      return .gas
    case .input(let index):
      guard index < inputCount else {
        throw argument(position, "IndexOutOfBounds { idx: \(index) }")
      }
      return .input(Int(index))
    case .result(let index):
      guard index < resultCounts.count else {
        throw argument(position, "IndexOutOfBounds { idx: \(index) }")
      }
      guard resultCounts[Int(index)] == 1 else {
        throw argument(position, "InvalidResultArity { result_idx: \(index) }")
      }
      return .result(Int(index), 0)
    case .nestedResult(let index, let second):
      guard index < resultCounts.count else {
        throw argument(position, "IndexOutOfBounds { idx: \(index) }")
      }
      guard second < resultCounts[Int(index)] else {
        let place = "result_idx: \(index), secondary_idx: \(second)"
        throw argument(position, "SecondaryIndexOutOfBounds { \(place) }")
      }
      return .result(Int(index), Int(second))
    }
  }

  private func value(in place: Place, at position: Int) throws(Failure) -> Value {
    guard let value = values[place] else { throw argument(position, "InvalidValueUsage") }
    return value
  }

  private func purse(in place: Place, at position: Int) throws(Failure) -> Purse {
    guard case .coin(let purse) = try value(in: place, at: position) else {
      throw argument(position, "TypeMismatch")
    }
    return purse
  }

  private mutating func take(
    _ given: Transaction.Argument, at position: Int, gasAllowed: Bool = false
  ) throws(Failure) -> Purse {
    let place = try place(of: given, at: position)
    guard place != .gas || gasAllowed else { throw argument(position, "InvalidGasCoinUsage") }
    let purse = try purse(in: place, at: position)
    values[place] = nil
    return purse
  }

  private func amount(
    _ given: Transaction.Argument, at position: Int
  ) throws(Failure) -> UInt64 {
    guard case .pure(let bytes) = try value(in: place(of: given, at: position), at: position)
    else { throw argument(position, "TypeMismatch") }
    guard let amount = PureValue.u64(bytes) else { throw argument(position, "InvalidBCSBytes") }
    return amount
  }
}

extension Address {
  /// `0x1`.
  static let moveStandardLibrary = Address(abbreviated: "0x1") ?? Address(.zero)

  /// The digits without `0x`.
  var digits: Substring { description.dropFirst(2) }
}

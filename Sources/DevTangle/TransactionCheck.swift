import IOTACrypto
import PaywallCore

/// What is checked before a transaction is executed.
///
/// What fails here is refused and costs nothing.
///
/// Source: iotaledger/iota, crates/iota-transaction-checks/src/lib.rs,
/// crates/iota-types/src/transaction.rs (`validity_check`) and gas_model; limits as in protocol 39.
enum TransactionCheck {
  static let maximumCommandCount = 1_024
  static let maximumArgumentCount = 512
  static let maximumPureByteCount = 16 * 1_024

  /// The coins that a transaction uses.
  struct Inputs {
    /// The coins that pay, of which there is at least one, in the given order.
    var gas: [Coin]
    /// The sender's other coins.
    var owned: [Coin]
  }

  /// Checks that sender and gas owner signed, and nobody else.
  static func signatures(of signed: SignedTransaction) throws(Refusal) {
    let signers = Set([signed.transaction.sender, signed.transaction.gas.owner])
    guard signed.signatures.count == signers.count else {
      throw .signature(
        "Invalid user signature: Expect \(signers.count) signer signatures but got "
          + "\(signed.signatures.count)")
    }
    switch signed.verdict {
    case .valid:
      break
    case .invalid:
      throw .signature(
        "Invalid user signature: it is malformed, or not made over these transaction bytes by the "
          + "sender or the gas owner")
    case .unsupported(let scheme):
      throw .signature(
        "Invalid user signature: this development tangle verifies no \(scheme)")
    }
  }

  /// Checks everything else, and finds the coins.
  static func inputs(
    of transaction: Transaction, in coins: [Address: Coin], epoch: UInt64
  ) throws(Refusal) -> Inputs {
    try size(of: transaction)
    for command in transaction.commands { try shape(of: command) }
    if let last = transaction.expirationEpoch, last < epoch {
      throw .input("Transaction Expired")
    }
    let owned = try ownedCoins(of: transaction, in: coins)
    var gas: [Coin] = []
    for reference in transaction.gas.payment {
      gas.append(try coin(reference, ownedBy: transaction.gas.owner, in: coins))
    }
    try unique((gas + owned).map(\.id))
    try prices(of: transaction, gas: gas)
    return Inputs(gas: gas, owned: owned)
  }

  private static func size(of transaction: Transaction) throws(Refusal) {
    guard transaction.bcs.count <= Transaction.maximumByteCount else {
      throw limit("serialized transaction size", Transaction.maximumByteCount)
    }
    guard transaction.commands.count <= maximumCommandCount else {
      throw limit("maximum commands in a programmable transaction", maximumCommandCount)
    }
    guard transaction.gas.payment.count <= Gas.maximumCoinCount else {
      throw limit("maximum number of gas payment objects", Gas.maximumCoinCount)
    }
    for case .pure(let bytes) in transaction.inputs {
      guard bytes.count < maximumPureByteCount else {
        throw limit("maximum pure argument size", maximumPureByteCount)
      }
    }
  }

  private static func limit(_ what: String, _ value: Int) -> Refusal {
    .input("Size limit exceeded: \(what) is \(value)")
  }

  private static func shape(of command: Transaction.Command) throws(Refusal) {
    let arguments: [Transaction.Argument]
    switch command {
    case .splitCoins(_, let amounts): arguments = amounts
    case .mergeCoins(_, let sources): arguments = sources
    case .transferObjects(let objects, _): arguments = objects
    case .moveCall(let package, let module, let function, _, let given):
      try known(package: package, module: module, function: function)
      arguments = given
    default:
      throw .input(
        "Unsupported: this development tangle runs SplitCoins, MergeCoins, TransferObjects and "
          + "calls of 0x1::string::utf8 only")
    }
    if arguments.isEmpty {
      guard case .moveCall = command else { throw .input("Empty input coins for the command") }
    }
    guard arguments.count <= maximumArgumentCount else {
      throw limit("maximum arguments in a programmable transaction command", maximumArgumentCount)
    }
  }

  private static func known(package: Address, module: String, function: String) throws(Refusal) {
    guard (1...3).contains(where: { Address(abbreviated: "0x\($0)") == package }) else {
      throw .input("Could not find the referenced object \(package) at version None.")
    }
    guard package == .moveStandardLibrary, module == "string", function == "utf8" else {
      throw .input(
        "Unsupported: of Move code, this development tangle runs 0x1::string::utf8 only, not "
          + "\(package)::\(module)::\(function)")
    }
  }

  private static func ownedCoins(
    of transaction: Transaction, in coins: [Address: Coin]
  ) throws(Refusal) -> [Coin] {
    var owned: [Coin] = []
    for input in transaction.inputs {
      switch input {
      case .pure:
        break
      case .owned(let reference):
        owned.append(try coin(reference, ownedBy: transaction.sender, in: coins))
      case .shared(let id, _, _):
        throw .input("Could not find the referenced object \(id) at version None.")
      case .receiving(let reference):
        throw .input("Could not find the referenced object \(reference.id) at version None.")
      }
    }
    return owned
  }

  private static func coin(
    _ reference: ObjectReference, ownedBy owner: Address, in coins: [Address: Coin]
  ) throws(Refusal) -> Coin {
    guard let coin = coins[reference.id] else {
      throw .input(
        "Could not find the referenced object \(reference.id) at version "
          + "Some(SequenceNumber(\(reference.version))).")
    }
    guard coin.version == reference.version else {
      throw .input(
        "Object ID \(reference.id) Version \(reference.version) Digest \(reference.digest) is not "
          + "available for consumption, current version: \(coin.version)")
    }
    let digest = coin.digest
    guard digest == reference.digest else {
      throw .input(
        "Invalid Object digest for object \(reference.id). Expected digest : \(digest).")
    }
    guard coin.owner == owner else {
      throw .input(
        "Transaction was not signed by the correct sender: Object \(reference.id) is owned by "
          + "account address \(coin.owner), but given owner/signer address is \(owner)")
    }
    return coin
  }

  private static func unique(_ ids: [Address]) throws(Refusal) {
    var seen: Set<Address> = []
    for id in ids where !seen.insert(id).inserted {
      throw .input("Mutable object \(id) cannot appear more than one in one transaction")
    }
  }

  private static func prices(of transaction: Transaction, gas coins: [Coin]) throws(Refusal) {
    guard !coins.isEmpty else { throw .input("No gas coins given to pay for the transaction") }
    let gas = transaction.gas
    guard gas.price >= Gas.referencePrice else {
      throw .input(
        "Gas price \(gas.price) under reference gas price (RGP) \(Gas.referencePrice)")
    }
    guard gas.price < Gas.maximumPrice else {
      throw .input("Gas price cannot exceed \(Gas.maximumPrice) nanos")
    }
    guard gas.budget <= Gas.maximumBudget else {
      throw .input("Gas budget: \(gas.budget) is higher than max: \(Gas.maximumBudget)")
    }
    let minimum = Gas.units * gas.price
    guard gas.budget >= minimum else {
      throw .input("Gas budget: \(gas.budget) is lower than min: \(minimum)")
    }
    let balance = coins.reduce(0) { $0 + $1.balance }
    guard balance >= gas.budget else {
      throw .input(
        "Balance of gas object \(balance) is lower than the needed amount: \(gas.budget)")
    }
  }
}

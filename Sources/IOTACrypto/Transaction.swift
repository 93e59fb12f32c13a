public import PaywallCore

/// A transaction as its sender signs it: `TransactionData::V1` with a programmable transaction.
///
/// Source: iotaledger/iota, crates/iota-types/src/transaction.rs.
public struct Transaction: Hashable, Sendable {
  /// The inputs that the commands refer to.
  public var inputs: [Input]
  /// What is done, in order.
  public var commands: [Command]
  /// Who acts.
  public var sender: Address
  /// Who pays for it, with what.
  public var gas: GasData
  /// The last epoch in which it may be executed; nil: any.
  public var expirationEpoch: UInt64?

  /// A transaction of the given parts.
  public init(
    inputs: [Input], commands: [Command], sender: Address, gas: GasData,
    expirationEpoch: UInt64? = nil
  ) {
    self.inputs = inputs
    self.commands = commands
    self.sender = sender
    self.gas = gas
    self.expirationEpoch = expirationEpoch
  }

  /// A value that commands refer to by its position.
  public enum Input: Hashable, Sendable {
    /// BCS bytes of a plain value.
    case pure([UInt8])
    /// An object that the sender owns, or that cannot change.
    case owned(ObjectReference)
    /// An object that many may use.
    case shared(id: Address, initialVersion: UInt64, mutable: Bool)
    /// An object that was sent to another object.
    case receiving(ObjectReference)
  }

  /// One step of a programmable transaction.
  public enum Command: Hashable, Sendable {
    /// Calls a function of a Move package.
    case moveCall(
      package: Address, module: String, function: String, typeArguments: [TypeTag],
      arguments: [Argument])
    /// Sends objects to an address.
    case transferObjects([Argument], to: Argument)
    /// Splits coins of the given amounts off a coin.
    case splitCoins(Argument, amounts: [Argument])
    /// Merges coins into the first.
    case mergeCoins(Argument, from: [Argument])
    /// Publishes a package of compiled modules.
    case publish(modules: [[UInt8]], dependencies: [Address])
    /// Makes a Move vector of values.
    case makeMoveVector(TypeTag?, [Argument])
    /// Publishes a new version of a package, as a ticket allows.
    case upgrade(
      modules: [[UInt8]], dependencies: [Address], package: Address, ticket: Argument)
  }

  /// Where a command takes a value from.
  public enum Argument: Hashable, Sendable {
    /// The coin that pays for gas.
    case gas
    /// An input, by position.
    case input(UInt16)
    /// The result of a command, by position.
    case result(UInt16)
    /// One of several results of a command.
    case nestedResult(UInt16, UInt16)
  }

  /// A Move type.
  public indirect enum TypeTag: Hashable, Sendable {
    case bool, u8, u16, u32, u64, u128, u256, address, signer
    case vector(TypeTag)
    case structure(address: Address, module: String, name: String, typeArguments: [TypeTag])
  }

  /// Who pays for gas, with which coins, at what price, at most how much (NANOS).
  public struct GasData: Hashable, Sendable {
    /// The coins; they are merged into the first.
    public var payment: [ObjectReference]
    /// Whose coins they are: the sender, or a sponsor.
    public var owner: Address
    /// NANOS per unit of gas.
    public var price: UInt64
    /// The most that may be spent, in NANOS.
    public var budget: UInt64

    /// Gas data of the given parts.
    public init(payment: [ObjectReference], owner: Address, price: UInt64, budget: UInt64) {
      self.payment = payment
      self.owner = owner
      self.price = price
      self.budget = budget
    }
  }
}

/// One version of an object: its id, version and the digest of its contents.
public struct ObjectReference: Hashable, Sendable {
  /// The object's id.
  public var id: Address
  /// The version.
  public var version: UInt64
  /// The digest of the contents.
  public var digest: Digest

  /// A reference of the given parts.
  public init(id: Address, version: UInt64, digest: Digest) {
    self.id = id
    self.version = version
    self.digest = digest
  }
}

/// A transaction with its signatures, as nodes store it (`SenderSignedData`).
public struct SignedTransaction: Hashable, Sendable {
  /// What was signed.
  public var transaction: Transaction
  /// Serialized signatures (`flag ‖ signature ‖ public key` for the plain schemes): the sender's,
  /// and the gas owner's where that is somebody else.
  public var signatures: [[UInt8]]

  /// A signed transaction of the given parts.
  public init(transaction: Transaction, signatures: [[UInt8]]) {
    self.transaction = transaction
    self.signatures = signatures
  }
}

import IOTACrypto
import PaywallCore

@testable import DevTangle

/// A chain with people on it, and short words for what they do.
struct World {
  var chain: Chain
  let buyer: PrivateKey
  let seller: PrivateKey
  let sponsor: PrivateKey
  var nowMs: Int64 = 1_795_300_000_000

  static let iota: UInt64 = 1_000_000_000

  /// Coins of the buyer and the sponsor, in NANOS.
  init(buyer buyerCoins: [UInt64] = [10 * iota], sponsor sponsorCoins: [UInt64] = []) {
    let keys = (1...3).map { number in
      PrivateKey(seed: [UInt8](repeating: UInt8(number), count: 32)) ?? PrivateKey()
    }
    (buyer, seller, sponsor) = (keys[0], keys[1], keys[2])
    chain = Chain(
      genesis: buyerCoins.map { (keys[0].address, $0) }
        + sponsorCoins.map { (keys[2].address, $0) },
      nowMs: nowMs)
  }

  /// The coins of the key's address, the largest first.
  func coins(of key: PrivateKey) -> [Coin] {
    chain.coins(of: key.address).sorted { ($0.balance, $0.id) > ($1.balance, $1.id) }
  }

  func balance(of key: PrivateKey) -> UInt64 {
    chain.coins(of: key.address).reduce(0) { $0 + $1.balance }
  }

  /// A payment from the buyer's first coin to the seller.
  func payment(
    _ amount: UInt64, memo: [UInt8]? = nil, gas: [ObjectReference]? = nil,
    price: UInt64 = 1_000, budget: UInt64 = 10_000_000
  ) -> Transaction {
    var transaction = Transaction(
      inputs: [.pure(Self.u64(amount)), .pure(seller.address.bytes)],
      commands: [
        .splitCoins(.gas, amounts: [.input(0)]),
        .transferObjects([.nestedResult(0, 0)], to: .input(1)),
      ],
      sender: buyer.address,
      gas: Transaction.GasData(
        payment: gas ?? coins(of: buyer).prefix(1).map(\.reference), owner: buyer.address,
        price: price, budget: budget))
    if let memo {
      transaction.inputs.append(.pure(memo))
    }
    return transaction
  }

  /// A transaction of the buyer, who pays gas with the first coin.
  func transaction(
    _ inputs: [Transaction.Input], _ commands: [Transaction.Command]
  ) -> Transaction {
    var transaction = payment(0)
    transaction.inputs = inputs
    transaction.commands = commands
    return transaction
  }

  func signed(_ transaction: Transaction, by keys: [PrivateKey]? = nil) -> SignedTransaction {
    SignedTransaction(
      transaction: transaction,
      signatures: (keys ?? [buyer]).map { $0.sign(transaction).serialized })
  }

  @discardableResult
  mutating func execute(
    _ transaction: Transaction, by keys: [PrivateKey]? = nil
  ) throws(Refusal) -> ExecutedTransaction {
    try chain.execute(signed(transaction, by: keys), nowMs: nowMs)
  }

  /// Why the transaction would be refused; nil: it would not.
  func refusal(
    of transaction: Transaction, by keys: [PrivateKey]? = nil
  ) -> String? {
    var world = self
    do {
      try world.execute(transaction, by: keys)
      return nil
    } catch {
      return error.description
    }
  }

  static func u64(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
  }
}

extension Transaction.Command {
  static func utf8(_ arguments: Transaction.Argument...) -> Transaction.Command {
    .moveCall(
      package: .moveStandardLibrary, module: "string", function: "utf8", typeArguments: [],
      arguments: arguments)
  }
}

import IOTACrypto
import PaywallCore

/// The ledger of the tangle: coins, what was executed, and checkpoints.
///
/// A plain value: the time is an argument, and nothing here knows of a network.
struct Chain: Sendable {
  /// The coins that exist, by id.
  private(set) var coins: [Address: Coin]
  /// The versions at which coins ceased to exist, by id.
  private(set) var deletedVersions: [Address: UInt64] = [:]
  /// What was executed, in order.
  private(set) var transactions: [ExecutedTransaction] = []
  /// What the network agrees on; the first is the genesis checkpoint.
  private(set) var checkpoints: [Checkpoint]
  /// What computation has cost so far, in NANOS; nobody has it any more.
  private(set) var computationCharged: UInt64 = 0

  private var positions: [Digest: Int] = [:]
  private var coinIDs: [Address: Set<Address>] = [:]
  private var positionsByRecipient: [Address: [Int]] = [:]
  private var checkpointedCount = 0
  private var epochGas = Gas.Used(computation: 0, burned: 0, storage: 0, rebate: 0)

  /// How long an epoch lasts.
  static let epochMs: Int64 = 24 * 3_600_000

  /// A chain whose first coins are the given ones, each `balance` in NANOS.
  init(genesis: [(owner: Address, balance: UInt64)], nowMs: Int64) {
    var allocations = BCSWriter()
    allocations.vector(genesis) { writer, allocation in
      writer.address(allocation.owner)
      writer.number(allocation.balance)
    }
    let digest = Digest(hashing: allocations.bytes, as: "Genesis")
    coins = [:]
    for (number, allocation) in genesis.enumerated() {
      let id = Address.objectID(createdBy: digest, number: UInt64(number))
      coins[id] = Coin(
        id: id, version: 1, owner: allocation.owner, balance: allocation.balance,
        previousTransaction: digest)
      coinIDs[allocation.owner, default: []].insert(id)
    }
    checkpoints = [
      Checkpoint(
        epoch: 0, sequenceNumber: 0, timestampMs: nowMs, previousDigest: nil,
        networkTotalTransactions: 0, transactions: [], gas: epochGas, genesis: digest)
    ]
  }

  /// All balances and storage deposits, in NANOS.
  ///
  /// What computation cost is the only thing that ever leaves.
  var supply: UInt64 { coins.values.reduce(0) { $0 + $1.balance + Coin.storageCost } }

  /// The transaction of the digest, if it was executed.
  func transaction(_ digest: Digest) -> ExecutedTransaction? {
    positions[digest].map { transactions[$0] }
  }

  /// Where the transaction stands in the order of execution.
  func position(of digest: Digest) -> Int? { positions[digest] }

  /// The time of the transaction's checkpoint.
  func timestampMs(of transaction: ExecutedTransaction) -> Int64? {
    transaction.checkpoint.flatMap { checkpoint($0)?.timestampMs }
  }

  /// The checkpoint of the number.
  func checkpoint(_ sequenceNumber: UInt64) -> Checkpoint? {
    guard sequenceNumber < UInt64(checkpoints.count) else { return nil }
    return checkpoints[Int(sequenceNumber)]
  }

  /// The newest checkpoint; there always is one.
  var latest: Checkpoint { checkpoints[checkpoints.count - 1] }

  /// The epoch at the time.
  func epoch(atMs nowMs: Int64) -> UInt64 {
    let elapsedMs = nowMs.subtractingReportingOverflow(checkpoints[0].timestampMs)
    guard !elapsedMs.overflow, elapsedMs.partialValue > 0 else { return latest.epoch }
    return max(latest.epoch, UInt64(elapsedMs.partialValue / Self.epochMs))
  }

  /// The coins of the owner, in the order of their ids.
  func coins(of owner: Address) -> [Coin] {
    (coinIDs[owner] ?? []).sorted().compactMap { coins[$0] }
  }

  /// Where the transactions that wrote an object of the owner's stand in the order of execution.
  func positions(to owner: Address) -> [Int] { positionsByRecipient[owner] ?? [] }

  // MARK: Changing

  /// Executes a transaction.
  ///
  /// The same transaction again changes nothing and has the same effects.
  mutating func execute(
    _ signed: SignedTransaction, nowMs: Int64
  ) throws(Refusal) -> ExecutedTransaction {
    let digest = signed.transaction.digest
    try TransactionCheck.signatures(of: signed)
    if let known = transaction(digest) { return known }
    let executed = try effects(of: signed, digest: digest, nowMs: nowMs)
    record(executed)
    return executed
  }

  /// What the transaction would do, signed or not.
  ///
  /// Without gas coins, a coin made up for the occasion pays, as on a node.
  func dryRun(
    _ transaction: Transaction, nowMs: Int64
  ) throws(Refusal) -> ExecutedTransaction {
    var transaction = transaction
    var chain = self
    if transaction.gas.payment.isEmpty {
      let digest = Digest(hashing: [], as: "DryRun")
      let coin = Coin(
        id: Address.objectID(createdBy: digest, number: 0), version: 1,
        owner: transaction.gas.owner, balance: 1_000_000_000_000_000, previousTransaction: digest)
      chain.coins[coin.id] = coin
      transaction.gas.payment = [coin.reference]
    }
    return try chain.effects(
      of: SignedTransaction(transaction: transaction, signatures: []), digest: transaction.digest,
      nowMs: nowMs)
  }

  /// Closes a checkpoint over everything executed since the last one.
  ///
  /// Its time never goes back, even where the clock does.
  mutating func makeCheckpoint(nowMs: Int64) {
    let epoch = epoch(atMs: nowMs)
    if epoch != latest.epoch {
      epochGas = Gas.Used(computation: 0, burned: 0, storage: 0, rebate: 0)
    }
    let number = UInt64(checkpoints.count)
    for index in checkpointedCount..<transactions.count {
      transactions[index].checkpoint = number
      epochGas.add(transactions[index].gas)
    }
    let checkpoint = Checkpoint(
      epoch: epoch, sequenceNumber: number, timestampMs: max(nowMs, latest.timestampMs),
      previousDigest: latest.digest, networkTotalTransactions: UInt64(transactions.count),
      transactions: transactions[checkpointedCount...].map(\.digest), gas: epochGas)
    checkpointedCount = transactions.count
    checkpoints.append(checkpoint)
  }

  private mutating func record(_ executed: ExecutedTransaction) {
    for coin in executed.before {
      coins[coin.id] = nil
      coinIDs[coin.owner]?.remove(coin.id)
    }
    for coin in executed.written {
      coins[coin.id] = coin
      coinIDs[coin.owner, default: []].insert(coin.id)
    }
    for owner in Set(executed.written.map(\.owner)) {
      positionsByRecipient[owner, default: []].append(transactions.count)
    }
    for id in executed.deleted { deletedVersions[id] = executed.version }
    computationCharged += executed.gas.computation
    positions[executed.digest] = transactions.count
    transactions.append(executed)
  }
}

extension Gas.Used {
  /// Adds what another transaction was charged.
  mutating func add(_ other: Gas.Used) {
    computation += other.computation
    burned += other.burned
    storage += other.storage
    rebate += other.rebate
  }
}

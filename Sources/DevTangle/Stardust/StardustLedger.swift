import IOTACrypto
import PaywallCore

/// A Stardust ledger: outputs that transactions create and consume, and milestones that confirm them.
struct StardustLedger: Sendable {
  struct OutputID: Hashable, Sendable {
    var transaction: Digest
    var index: UInt16
  }

  struct Milestone: Sendable {
    var index: UInt32
    /// Unix seconds.
    var timeS: UInt32
    var created: [OutputID] = []
    var consumed: [OutputID] = []
  }

  struct Output: Sendable {
    var id: OutputID
    var order: StardustOrder
    /// The milestone that confirmed it.
    var booked: Int?
    /// The transaction that consumed it, and the milestone that confirmed that.
    var spender: Digest?
    var spent: Int?
  }

  /// All base units that there are.
  static let supply: UInt64 = 1_000_000_000_000_000
  /// What a sender gets who has nothing.
  static let gift: UInt64 = 1_000_000_000

  private(set) var outputs: [OutputID: Output] = [:]
  /// All milestones; the first has the index 1.
  private(set) var milestones: [Milestone] = []
  let faucet = Address(Blake2b.hash(Array("faucet".utf8)))
  /// Makes the names of transactions differ from those of another tangle.
  private let salt = UInt64.random(in: 0...(.max))
  /// What the next milestone confirms.
  private var next = Milestone(index: 1, timeS: 0)

  init(nowMs: Int64) {
    create([StardustOrder(to: faucet, amount: Self.supply)], consuming: [])
    makeMilestone(nowMs: nowMs)
  }

  /// Confirms everything so far, at a time later than that of the milestone before.
  mutating func makeMilestone(nowMs: Int64) {
    let earliest = (milestones.last?.timeS).map { $0 + 1 } ?? 0
    next.timeS = max(UInt32(clamping: nowMs / 1000), earliest)
    for id in next.created { outputs[id]?.booked = milestones.count }
    for id in next.consumed { outputs[id]?.spent = milestones.count }
    milestones.append(next)
    next = Milestone(index: next.index + 1, timeS: 0)
  }

  /// Makes a payment; the next milestone confirms it.
  mutating func pay(_ order: StardustOrder) throws(Refusal) -> Digest {
    guard order.amount > 0, (1...100).contains(order.outputs) else {
      throw .input("'amount' must be more than nothing, and 'outputs' 1 to 100.")
    }
    guard order.tag?.count ?? 1 <= 64, order.tag?.count ?? 1 > 0,
      order.metadata?.count ?? 1 <= 8192, order.metadata?.count ?? 1 > 0
    else { throw .input("A tag has 1 to 64 bytes, metadata 1 to 8192.") }
    let (total, overflows) = order.amount.multipliedReportingOverflow(by: UInt64(order.outputs))
    guard !overflows, total <= Self.supply / 2 else { throw .input("There is not so much.") }
    let payer = order.sender ?? faucet
    if unspent(of: payer).reduce(0, { $0 + $1.order.amount }) < total {
      try transfer(
        [StardustOrder(to: payer, amount: max(total, Self.gift))], from: faucet)
    }
    return try transfer(Array(repeating: order, count: order.outputs), from: payer)
  }

  /// Consumes all that an owner has, in favour of somebody.
  mutating func sweep(_ owner: Address, to recipient: Address) throws(Refusal) -> Digest {
    let inputs = unspent(of: owner)
    guard !inputs.isEmpty else { throw .input("\(owner) has nothing to spend.") }
    let total = inputs.reduce(0) { $0 + $1.order.amount }
    return create([StardustOrder(to: recipient, amount: total)], consuming: inputs.map(\.id))
  }

  /// What an owner may spend, whether it is confirmed or not, in the order of the names.
  private func unspent(of owner: Address) -> [Output] {
    outputs.values.filter {
      $0.order.to == owner && $0.spender == nil && $0.order.timelock == nil
        && $0.order.expiration == nil && $0.order.storageReturn == nil
    }.sorted { ($0.id.transaction, $0.id.index) < ($1.id.transaction, $1.id.index) }
  }

  @discardableResult
  private mutating func transfer(
    _ orders: [StardustOrder], from payer: Address
  ) throws(Refusal) -> Digest {
    let total = orders.reduce(0) { $0 + $1.amount }
    var inputs: [OutputID] = []
    var sum: UInt64 = 0
    for output in unspent(of: payer) where sum < total {
      inputs.append(output.id)
      sum += output.order.amount
    }
    guard sum >= total else { throw .input("\(payer) has not so much.") }
    let rest = sum > total ? [StardustOrder(to: payer, amount: sum - total)] : []
    return create(orders + rest, consuming: inputs)
  }

  @discardableResult
  private mutating func create(_ orders: [StardustOrder], consuming inputs: [OutputID]) -> Digest {
    // As good as the digest of a transaction's bytes: no other one has these inputs.
    var writer = BCSWriter()
    writer.number(salt)
    writer.number(UInt64(outputs.count))
    for input in inputs {
      writer.digest(input.transaction)
      writer.number(UInt64(input.index))
    }
    let transaction = Digest(Blake2b.hash(writer.bytes))
    for (index, order) in orders.enumerated() {
      let id = OutputID(transaction: transaction, index: UInt16(clamping: index))
      outputs[id] = Output(id: id, order: order)
      next.created.append(id)
    }
    for input in inputs { outputs[input]?.spender = transaction }
    next.consumed += inputs
    return transaction
  }
}

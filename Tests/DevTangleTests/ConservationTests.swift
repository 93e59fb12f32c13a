import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

/// Whatever is sent, no NANOS appears or disappears, and no version of an object comes twice.
struct ConservationTests {
  @Test(arguments: [1, 2, 3, 5, 8, 13, 21, 34] as [UInt64])
  func `balances add up after any transactions`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var world = World(
      buyer: [20_000_000, 5_000_000, 2_000_000_000, 1], sponsor: [3_000_000_000, 4_000_000])
    let supply = world.chain.supply
    var seen: Set<Place> = []
    for coin in world.chain.coins.values { seen.insert(Place(coin)) }
    var outcomes: [String: Int] = [:]

    for _ in 0..<400 {
      let before = world.chain
      let signed = world.randomTransaction(using: &random)
      do {
        let executed = try world.chain.execute(signed, nowMs: world.nowMs)
        outcomes[executed.failure == nil ? "success" : "failure", default: 0] += 1
        for coin in executed.written { #expect(seen.insert(Place(coin)).inserted) }
        let gains = executed.balanceChanges.reduce(0) { $0 + $1.amount }
        #expect(gains == -executed.gas.net)
        #expect(executed.gas.net <= Int64(clamping: executed.transaction.gas.budget))
        if executed.failure != nil { expectGasAlone(executed) }
      } catch {
        outcomes["refusal", default: 0] += 1
        #expect(world.chain.coins == before.coins)
      }
      #expect(world.chain.supply + world.chain.computationCharged == supply)
      world.nowMs += 100
      if Bool.random(using: &random) { world.chain.makeCheckpoint(nowMs: world.nowMs) }
    }
    // A test in which nothing succeeds, fails or is refused would prove little.
    for kind in ["success", "failure", "refusal"] {
      #expect(outcomes[kind, default: 0] > 20, "seed \(seed): \(outcomes)")
    }
  }

  private struct Place: Hashable {
    var id: Address
    var version: UInt64

    init(_ coin: Coin) { (id, version) = (coin.id, coin.version) }
  }

  private func expectGasAlone(_ executed: ExecutedTransaction) {
    #expect(executed.created.isEmpty)
    #expect(executed.balanceChanges.allSatisfy { $0.owner == executed.transaction.gas.owner })
    let old = Dictionary(uniqueKeysWithValues: executed.before.map { ($0.id, $0) })
    for coin in executed.mutated where coin.id != executed.gasObject?.id {
      #expect(old[coin.id]?.balance == coin.balance)
      #expect(old[coin.id]?.owner == coin.owner)
    }
  }
}

extension World {
  /// Something that a buyer, a mistaken buyer or a thief might send.
  func randomTransaction(using random: inout SeededGenerator) -> SignedTransaction {
    let keys = [buyer, seller, sponsor]
    let richest = keys.max { balance(of: $0) < balance(of: $1) } ?? buyer
    let sender = Int.random(in: 0..<3, using: &random) == 0 ? richest : pick(keys, &random)
    let payer = Int.random(in: 0..<4, using: &random) == 0 ? pick(keys, &random) : sender
    var mine = coins(of: sender).shuffled(using: &random)
    var gas = coins(of: payer).shuffled(using: &random)
      .prefix(Int.random(in: 1...3, using: &random)).map(\.reference)
    mine.removeAll { coin in
      gas.contains { $0.id == coin.id } && Int.random(in: 0..<20, using: &random) > 0
    }
    if Int.random(in: 0..<20, using: &random) == 0, !gas.isEmpty { gas[0].version += 1 }

    var inputs: [Transaction.Input] = [
      .pure(World.u64(UInt64.random(in: 0..<3_000_000, using: &random))),
      .pure(World.u64(pick([0, .max, 1_000_000_000, 7], &random))),
      .pure(pick(keys, &random).address.bytes), .pure(Array("\u{5}hello".utf8)),
    ]
    inputs += mine.prefix(3).map { .owned($0.reference) }
    let commands = (0..<Int.random(in: 0...5, using: &random)).map { index in
      randomCommand(index, inputCount: inputs.count, using: &random)
    }
    let transaction = Transaction(
      inputs: inputs, commands: commands, sender: sender.address,
      gas: Transaction.GasData(
        payment: gas, owner: payer.address, price: pick([1_000, 1_000, 1_000, 2_000], &random),
        budget: UInt64.random(in: 900_000..<8_000_000, using: &random)))
    let signers = sender.address == payer.address ? [sender] : [sender, payer]
    return signed(
      transaction, by: Int.random(in: 0..<30, using: &random) == 0 ? [seller] : signers)
  }

  private func randomCommand(
    _ index: Int, inputCount: Int, using random: inout SeededGenerator
  ) -> Transaction.Command {
    func coin(_ random: inout SeededGenerator) -> Transaction.Argument {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: .gas
      case 1 where index > 0: .result(UInt16.random(in: 0..<UInt16(index), using: &random))
      case 2 where index > 0: .nestedResult(UInt16.random(in: 0..<UInt16(index), using: &random), 0)
      default: .input(UInt16.random(in: 3...UInt16(inputCount), using: &random))
      }
    }
    switch Int.random(in: 0..<7, using: &random) {
    case 0, 1:
      let amount: Transaction.Argument = .input(pick([0, 0, 0, 0, 1, 2], &random))
      return .splitCoins(coin(&random), amounts: [amount])
    case 2:
      return .mergeCoins(coin(&random), from: [coin(&random)])
    case 3, 4, 5:
      return .transferObjects([coin(&random)], to: .input(pick([2, 2, 2, 2, 2, 0], &random)))
    default:
      return .utf8(.input(pick([3, 3, 3, 1], &random)))
    }
  }

  private func pick<Value>(_ values: [Value], _ random: inout SeededGenerator) -> Value {
    values[Int.random(in: 0..<values.count, using: &random)]
  }
}

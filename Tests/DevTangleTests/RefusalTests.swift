import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

/// Transactions that are refused: nothing is charged, and nothing is remembered.
struct RefusalTests {
  private func expectRefusal(
    _ part: String, _ world: World, _ transaction: Transaction, by keys: [PrivateKey]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var world = world
    let coins = world.chain.coins
    do {
      try world.execute(transaction, by: keys)
      Issue.record("The transaction is not refused.", sourceLocation: sourceLocation)
    } catch {
      #expect(error.description.contains(part), sourceLocation: sourceLocation)
    }
    #expect(world.chain.coins == coins, sourceLocation: sourceLocation)
    #expect(world.chain.transactions.isEmpty, sourceLocation: sourceLocation)
  }

  @Test func `signatures that are missing, foreign, or of something else`() throws {
    let world = World()
    let transaction = world.payment(500_000)
    try expectRefusal("Expect 1 signer signatures but got 0", world, transaction, by: [])
    try expectRefusal("signature", world, transaction, by: [world.seller])
    try expectRefusal("got 2", world, transaction, by: [world.buyer, world.seller])
    var other = world
    let signed = SignedTransaction(
      transaction: transaction, signatures: [world.buyer.sign(world.payment(1)).serialized])
    #expect(throws: Refusal.self) { try other.chain.execute(signed, nowMs: 0) }
    for bytes in [[], [0], [UInt8](repeating: 3, count: 97), [UInt8](repeating: 0, count: 97)] {
      let signed = SignedTransaction(transaction: transaction, signatures: [bytes])
      #expect(throws: Refusal.self) { try other.chain.execute(signed, nowMs: 0) }
    }
  }

  @Test func `coins that are not there, not so, or not theirs`() throws {
    let world = World(buyer: [World.iota, World.iota], sponsor: [World.iota])
    let coin = world.coins(of: world.buyer)[0]
    func paying(_ change: (inout ObjectReference) -> Void) -> Transaction {
      var reference = coin.reference
      change(&reference)
      return world.payment(1, gas: [reference])
    }
    try expectRefusal(
      "Could not find the referenced object", world, paying { $0.id = world.buyer.address })
    try expectRefusal("current version: 1", world, paying { $0.version = 7 })
    try expectRefusal(
      "Invalid Object digest", world, paying { $0.digest = Digest(world.buyer.address.bytes32) })
    try expectRefusal(
      "was not signed by the correct sender", world,
      world.payment(1, gas: world.coins(of: world.sponsor).map(\.reference)))
    try expectRefusal(
      "was not signed by the correct sender", world,
      world.transaction(world.coins(of: world.sponsor).map { .owned($0.reference) }, []))
    try expectRefusal(
      "cannot appear more than one", world,
      world.payment(1, gas: [coin.reference, coin.reference]))
    try expectRefusal(
      "cannot appear more than one", world,
      world.transaction([.owned(coin.reference), .owned(coin.reference)], []))
    try expectRefusal("No gas coins", world, world.payment(1, gas: []))
    let clock = try #require(Address(abbreviated: "0x6"))
    try expectRefusal(
      "Could not find the referenced object", world,
      world.transaction([.shared(id: clock, initialVersion: 1, mutable: false)], []))
    try expectRefusal(
      "Could not find the referenced object", world,
      world.transaction([.receiving(coin.reference)], []))
  }

  @Test func `prices and budgets out of range`() throws {
    let world = World()
    try expectRefusal("under reference gas price", world, world.payment(1, price: 999))
    try expectRefusal("Gas price cannot exceed", world, world.payment(1, price: .max))
    try expectRefusal("is lower than min: 1000000", world, world.payment(1, budget: 999_999))
    try expectRefusal("is higher than max", world, world.payment(1, budget: 50_000_000_001))
    try expectRefusal("is higher than max", world, world.payment(1, budget: .max))
    try expectRefusal(
      "is lower than the needed amount", world, world.payment(1, budget: 10_000_000_001))
  }

  @Test func `what is too large, empty, unknown or late`() throws {
    let world = World()
    try expectRefusal(
      "pure argument size", world,
      world.payment(1, memo: [UInt8](repeating: 0, count: 16 * 1_024)))
    try expectRefusal(
      "maximum commands", world,
      world.transaction(
        [.pure([0])], [Transaction.Command](repeating: .utf8(.input(0)), count: 1_025)))
    try expectRefusal(
      "maximum arguments", world,
      world.transaction(
        [.pure(World.u64(1))],
        [.splitCoins(.gas, amounts: [Transaction.Argument](repeating: .input(0), count: 513))]))
    for command in [
      .splitCoins(.gas, amounts: []), .mergeCoins(.gas, from: []),
      .transferObjects([], to: .input(0)),
    ] as [Transaction.Command] {
      try expectRefusal("Empty input coins", world, world.transaction([.pure([0])], [command]))
    }
    try expectRefusal(
      "Unsupported", world, world.transaction([.pure([0])], [.makeMoveVector(.u8, [.input(0)])]))
    func calling(_ package: String, _ module: String, _ function: String) throws -> Transaction {
      world.transaction(
        [],
        [
          .moveCall(
            package: try #require(Address(abbreviated: package)), module: module,
            function: function, typeArguments: [], arguments: [])
        ])
    }
    try expectRefusal("Unsupported", world, calling("0x1", "string", "length"))
    try expectRefusal("Unsupported", world, calling("0x2", "pay", "join"))
    try expectRefusal("Could not find the referenced object", world, calling("0xabc", "a", "b"))
    var late = world.payment(1)
    late.expirationEpoch = 0
    var later = world
    later.nowMs += Chain.epochMs
    try expectRefusal("Transaction Expired", later, late)
  }
}

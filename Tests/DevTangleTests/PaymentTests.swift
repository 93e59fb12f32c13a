import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

struct PaymentTests {
  @Test func `a plain payment costs what it costs on mainnet`() throws {
    var world = World()
    let executed = try world.execute(world.payment(500_000))
    #expect(executed.failure == nil)
    #expect(executed.gas.net == 1_980_400)
    #expect(world.balance(of: world.seller) == 500_000)
    #expect(world.balance(of: world.buyer) == 10 * World.iota - 500_000 - 1_980_400)
    let changes = Dictionary(uniqueKeysWithValues: executed.balanceChanges.map { ($0, $1) })
    #expect(changes == [world.buyer.address: -2_480_400, world.seller.address: 500_000])
    #expect(executed.created.map(\.version) == [2])
    #expect(executed.mutated.map(\.version) == [2])
  }

  @Test(arguments: [[], [0xff, 0xfe], Array("{\"username\":\"johndoe\"}".utf8)] as [[UInt8]])
  func `an input that no command uses is accepted`(memo: [UInt8]) throws {
    var world = World()
    let executed = try world.execute(world.payment(500_000, memo: memo))
    #expect(executed.failure == nil)
    #expect(executed.gas.net == 1_980_400)
  }

  @Test func `a payment to oneself costs gas alone`() throws {
    var world = World()
    var transaction = world.payment(500_000)
    transaction.inputs[1] = .pure(world.buyer.address.bytes)
    let executed = try world.execute(transaction)
    #expect(executed.balanceChanges.map(\.amount) == [-1_980_400])
  }

  @Test func `a higher gas price costs more, of which the reference price is burned`() throws {
    var world = World()
    let executed = try world.execute(world.payment(500_000, price: 1_500))
    #expect(executed.gas.computation == 1_500_000)
    #expect(executed.gas.burned == 1_000_000)
  }

  @Test func `several gas coins become one, and their storage is given back`() throws {
    var world = World(buyer: [3_000_000, 4_000_000, 5_000_000])
    let coins = world.coins(of: world.buyer)
    let executed = try world.execute(
      world.payment(1_000_000, gas: coins.map(\.reference), budget: 2_000_000))
    #expect(executed.failure == nil)
    #expect(executed.deleted.count == 2)
    #expect(Set(executed.deleted) == Set(coins.dropFirst().map(\.id)))
    #expect(world.coins(of: world.buyer).map(\.id) == [coins[0].id])
    // Computation, and two coins written, three replaced or deleted.
    #expect(executed.gas.net == 1_000_000 - 980_400)
    #expect(world.balance(of: world.buyer) == 12_000_000 - 1_000_000 - 19_600)
  }

  @Test func `a sponsor pays the gas, and both sign`() throws {
    var world = World(buyer: [World.iota], sponsor: [World.iota])
    let coin = world.coins(of: world.buyer)[0]
    var transaction = world.transaction(
      [.owned(coin.reference), .pure(World.u64(500_000)), .pure(world.seller.address.bytes)],
      [
        .splitCoins(.input(0), amounts: [.input(1)]),
        .transferObjects([.result(0)], to: .input(2)),
      ])
    transaction.gas.owner = world.sponsor.address
    transaction.gas.payment = world.coins(of: world.sponsor).map(\.reference)
    #expect(
      world.refusal(of: transaction)
        == "Invalid user signature: Expect 2 signer signatures but got 1")
    #expect(world.refusal(of: transaction, by: [world.buyer, world.buyer]) != nil)
    #expect(world.refusal(of: transaction, by: [world.buyer, world.seller]) != nil)
    let executed = try world.execute(transaction, by: [world.buyer, world.sponsor])
    let changes = Dictionary(uniqueKeysWithValues: executed.balanceChanges.map { ($0, $1) })
    #expect(
      changes == [
        world.buyer.address: -500_000, world.sponsor.address: -1_980_400,
        world.seller.address: 500_000,
      ])
  }

  @Test func `the gas coin itself can be sent, and gas is taken from it`() throws {
    var world = World(buyer: [World.iota])
    let executed = try world.execute(
      world.transaction(
        [.pure(world.seller.address.bytes)], [.transferObjects([.gas], to: .input(0))]))
    #expect(executed.failure == nil)
    #expect(world.balance(of: world.seller) == World.iota - 1_000_000)
    #expect(world.chain.coins(of: world.buyer.address).isEmpty)
  }

  @Test func `merged coins disappear into their target`() throws {
    var world = World(buyer: [World.iota, 700, 300])
    let coins = world.coins(of: world.buyer)
    let executed = try world.execute(
      world.transaction(
        [.owned(coins[1].reference), .owned(coins[2].reference)],
        [.mergeCoins(.input(0), from: [.input(1)])]))
    #expect(executed.deleted == [coins[2].id])
    #expect(world.chain.coins[coins[1].id]?.balance == 1_000)
    #expect(world.chain.deletedVersions[coins[2].id] == 2)
  }

  @Test func `versions are one more than the largest that was used`() throws {
    var world = World(buyer: [World.iota, World.iota])
    for _ in 0..<3 {
      let newest = try #require(world.coins(of: world.buyer).max { $0.version < $1.version })
      try world.execute(world.payment(1, gas: [newest.reference]))
    }
    let coins = world.coins(of: world.buyer).sorted { $0.version < $1.version }
    #expect(coins.map(\.version) == [1, 4])
    let executed = try world.execute(
      world.payment(1, gas: [coins[0].reference, coins[1].reference]))
    #expect(executed.version == 5)
  }

  @Test func `the same transaction again has the same effects and happens once`() throws {
    var world = World()
    let transaction = world.payment(500_000)
    let first = try world.execute(transaction)
    world.chain.makeCheckpoint(nowMs: world.nowMs + 250)
    let second = try world.execute(transaction)
    #expect(first.digest == second.digest)
    #expect(first.written == second.written)
    #expect(world.chain.transactions.count == 1)
    #expect(world.balance(of: world.seller) == 500_000)
  }

  @Test func `a coin cannot be spent twice`() throws {
    var world = World()
    let first = world.payment(500_000)
    let second = world.payment(600_000)
    try world.execute(first)
    let refusal = try #require(world.refusal(of: second))
    #expect(refusal.hasSuffix("is not available for consumption, current version: 2"))
    #expect(world.balance(of: world.seller) == 500_000)
  }
}

import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

/// Transactions that are executed and fail: gas is charged, and nothing else happens.
struct FailureTests {
  private func expectFailure(
    _ reason: String, _ world: World, _ transaction: Transaction,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var world = world
    let before = world.balance(of: world.buyer)
    let executed = try world.execute(transaction)
    #expect(executed.failure == reason, sourceLocation: sourceLocation)
    #expect(executed.created.isEmpty, sourceLocation: sourceLocation)
    #expect(world.balance(of: world.seller) == 0, sourceLocation: sourceLocation)
    #expect(
      Int64(before) - Int64(world.balance(of: world.buyer)) == executed.gas.net,
      sourceLocation: sourceLocation)
    #expect(executed.mutated.allSatisfy { $0.version == executed.version })
    #expect(!TransactionFilter.toAddress(world.seller.address).matches(executed))
  }

  @Test func `too little money`() throws {
    let world = World(buyer: [20_000_000])
    try expectFailure(
      "InsufficientCoinBalance in command 0", world, world.payment(20_000_000))
    // The budget is set aside, so 10,000,000 can be spent and no more.
    try expectFailure(
      "InsufficientCoinBalance in command 0", world, world.payment(10_000_001))
    var enough = world
    #expect(try enough.execute(world.payment(10_000_000)).failure == nil)
  }

  @Test func `too small a budget for the storage`() throws {
    let world = World()
    try expectFailure("InsufficientGas", world, world.payment(500_000, budget: 1_980_399))
    var enough = world
    #expect(try enough.execute(world.payment(500_000, budget: 1_980_400)).failure == nil)
  }

  @Test func `gas coins stay merged`() throws {
    var world = World(buyer: [3_000_000, 4_000_000])
    let coins = world.coins(of: world.buyer)
    let executed = try world.execute(
      world.payment(6_000_000, gas: coins.map(\.reference), budget: 2_000_000))
    #expect(executed.failure == "InsufficientCoinBalance in command 0")
    #expect(executed.deleted == [coins[1].id])
    #expect(world.balance(of: world.buyer) == 7_000_000 - 1_000_000 + 980_400)
  }

  @Test func `coins that nobody takes`() throws {
    let world = World()
    try expectFailure(
      "UnusedValueWithoutDrop { result_idx: 0, secondary_idx: 1 }", world,
      world.transaction(
        [.pure(World.u64(5)), .pure(world.seller.address.bytes)],
        [
          .splitCoins(.gas, amounts: [.input(0), .input(0)]),
          .transferObjects([.nestedResult(0, 0)], to: .input(1)),
        ]))
  }

  @Test func `text that is no UTF-8, and bytes that are no text`() throws {
    let world = World()
    func call(_ bytes: [UInt8]) -> Transaction {
      world.transaction([.pure(bytes)], [.utf8(.input(0))])
    }
    try expectFailure(
      "MoveAbort(MoveLocation { module: ModuleId { address: "
        + String(repeating: "0", count: 63) + "1, name: Identifier(\"string\") }, function: 2, "
        + "instruction: 8, function_name: Some(\"utf8\") }, 1) in command 0",
      world, call([2, 0xff, 0xfe]))
    for bytes in [[], [3, 0x61], [1, 0x61, 0x62], [0x80, 0]] as [[UInt8]] {
      try expectFailure(
        "CommandArgumentError { arg_idx: 0, kind: InvalidBCSBytes } in command 0", world,
        call(bytes))
    }
    var fine = world
    #expect(try fine.execute(call([0])).failure == nil)
  }

  @Test func `arguments that make no sense`() throws {
    let world = World(buyer: [World.iota, World.iota])
    let coin = world.coins(of: world.buyer)[1]
    let inputs: [Transaction.Input] = [
      .owned(coin.reference), .pure(World.u64(5)), .pure(world.seller.address.bytes),
      .pure([1, 2]),
    ]
    let cases: [(String, [Transaction.Command])] = [
      ("arg_idx: 0, kind: IndexOutOfBounds { idx: 9 }", [.mergeCoins(.input(9), from: [.gas])]),
      ("arg_idx: 0, kind: IndexOutOfBounds { idx: 0 }", [.mergeCoins(.result(0), from: [.gas])]),
      (
        "arg_idx: 0, kind: IndexOutOfBounds { idx: 7 }",
        [.mergeCoins(.nestedResult(7, 0), from: [.gas])]
      ),
      ("arg_idx: 0, kind: TypeMismatch", [.splitCoins(.input(1), amounts: [.input(1)])]),
      ("arg_idx: 1, kind: TypeMismatch", [.splitCoins(.gas, amounts: [.gas])]),
      ("arg_idx: 1, kind: InvalidBCSBytes", [.splitCoins(.gas, amounts: [.input(3)])]),
      ("arg_idx: 1, kind: InvalidBCSBytes", [.transferObjects([.input(0)], to: .input(1))]),
      ("arg_idx: 1, kind: TypeMismatch", [.transferObjects([.input(0)], to: .gas)]),
      ("arg_idx: 0, kind: TypeMismatch", [.transferObjects([.input(1)], to: .input(2))]),
      ("arg_idx: 1, kind: InvalidValueUsage", [.transferObjects([.gas, .gas], to: .input(2))]),
      ("arg_idx: 1, kind: InvalidValueUsage", [.mergeCoins(.input(0), from: [.input(0)])]),
      ("arg_idx: 1, kind: InvalidGasCoinUsage", [.mergeCoins(.input(0), from: [.gas])]),
      ("arg_idx: 0, kind: TypeMismatch", [.utf8(.gas)]),
    ]
    for (reason, commands) in cases {
      try expectFailure(
        "CommandArgumentError { \(reason) } in command 0", world,
        world.transaction(inputs, commands))
    }
    try expectFailure(
      "CommandArgumentError { arg_idx: 0, kind: InvalidResultArity "
        + "{ result_idx: 0 } } in command 1",
      world,
      world.transaction(
        inputs,
        [
          .splitCoins(.gas, amounts: [.input(1), .input(1)]),
          .transferObjects([.result(0)], to: .input(2)),
        ]))
    try expectFailure(
      "CommandArgumentError { arg_idx: 0, kind: SecondaryIndexOutOfBounds "
        + "{ result_idx: 0, secondary_idx: 1 } } in command 1",
      world,
      world.transaction(
        inputs,
        [
          .splitCoins(.gas, amounts: [.input(1)]),
          .transferObjects([.nestedResult(0, 1)], to: .input(2)),
        ]))
    try expectFailure(
      "ArityMismatch in command 0", world, world.transaction(inputs, [.utf8()]))
  }
}

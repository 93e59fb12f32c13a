import IOTACrypto
import PaywallCore

extension Chain {
  /// Runs a transaction on the coins as they are, charges for it, and changes nothing yet.
  ///
  /// Several gas coins are merged into the first, whether the commands succeed or fail; of those
  /// that fail nothing else remains but new versions of the objects they named.
  ///
  /// Source: iotaledger/iota, iota-execution/latest/iota-adapter/src/{execution_engine,gas_charger}.rs.
  func effects(
    of signed: SignedTransaction, digest: Digest, nowMs: Int64
  ) throws(Refusal) -> ExecutedTransaction {
    let transaction = signed.transaction
    let epoch = epoch(atMs: nowMs)
    let inputs = try TransactionCheck.inputs(of: transaction, in: coins, epoch: epoch)
    let gasOutcome = Execution.Outcome(
      owner: transaction.gas.owner, balance: inputs.gas.reduce(0) { $0 + $1.balance })
    let before = (inputs.gas + inputs.owned).sorted { $0.id < $1.id }
    let run = Self.run(
      transaction, digest: digest, gasID: inputs.gas[0].id, gas: gasOutcome, owned: inputs.owned)

    var outcomes = run.outcomes
    var failure = run.failure
    let computation = Gas.units * transaction.gas.price
    var gas = Self.gasUsed(computation: computation, before: before, writtenCount: outcomes.count)
    if gas.net > Int64(clamping: transaction.gas.budget) {
      failure = failure ?? "InsufficientGas"
      outcomes = Self.untouched(inputs.owned, gasID: inputs.gas[0].id, gas: gasOutcome)
      gas = Self.gasUsed(computation: computation, before: before, writtenCount: outcomes.count)
    }
    if var payer = outcomes[inputs.gas[0].id] {
      payer.balance = payer.balance + gas.rebate - gas.computation - gas.storage
      outcomes[inputs.gas[0].id] = payer
    }

    let version = (before.map(\.version).max() ?? 0) + 1
    let written = outcomes.sorted { $0.key < $1.key }.map { id, outcome in
      Coin(
        id: id, version: version, owner: outcome.owner, balance: outcome.balance,
        previousTransaction: digest)
    }
    return ExecutedTransaction(
      signed: signed, digest: digest, failure: failure, epoch: epoch, executedAtMs: nowMs,
      gas: gas, version: version, before: before, written: written)
  }

  /// Where the objects end up, the gas coin with its budget given back and nothing charged yet.
  private static func run(
    _ transaction: Transaction, digest: Digest, gasID: Address, gas: Execution.Outcome,
    owned: [Coin]
  ) -> (outcomes: [Address: Execution.Outcome], failure: String?) {
    // The budget is set aside first, so that commands cannot spend what gas may need.
    let budget = transaction.gas.budget
    var execution = Execution(
      transaction, digest: digest,
      gas: Execution.Purse(id: gasID, balance: gas.balance - budget),
      coins: Dictionary(owned.map { ($0.id, $0.balance) }) { first, _ in first })
    do {
      try execution.run(transaction.commands)
    } catch {
      return (untouched(owned, gasID: gasID, gas: gas), error.reason)
    }
    var outcomes = execution.outcomes
    outcomes[gasID]?.balance += budget
    return (outcomes, nil)
  }

  private static func untouched(
    _ owned: [Coin], gasID: Address, gas: Execution.Outcome
  ) -> [Address: Execution.Outcome] {
    var outcomes = [gasID: gas]
    for coin in owned {
      outcomes[coin.id] = Execution.Outcome(owner: coin.owner, balance: coin.balance)
    }
    return outcomes
  }

  private static func gasUsed(
    computation: UInt64, before: [Coin], writtenCount: Int
  ) -> Gas.Used {
    Gas.Used(
      computation: computation, burned: Gas.units * Gas.referencePrice,
      storage: UInt64(writtenCount) * Coin.storageCost,
      rebate: UInt64(before.count) * Coin.storageCost)
  }
}

import PaywallCore

/// How much may be spent on gas.
///
/// Source of the limits: iotaledger/iota, crates/iota-protocol-config/src/lib.rs; of the margin:
/// what IOTA's SDKs add to a dry run's cost (1000 units of gas).
struct Gas {
  /// What a payment is tried out with where the wallet holds as much: several times what one costs.
  static let trialBudgetNanos: Nanos = 50_000_000
  /// `max_tx_gas`, 50 IOTA.
  private static let maximumNanos: Nanos = 50_000_000_000
  /// The smallest budget, and the margin, in units of gas (`base_tx_cost_fixed`).
  private static let baseUnits: UInt64 = 1000

  /// The smallest budget that a network accepts, in NANOS.
  let minimumNanos: Nanos
  /// What the coins hold beyond the amount; below 0 where they do not even hold that.
  private let availableNanos: Nanos

  init(price: UInt64, availableNanos: Nanos) {
    let (product, overflow) = price.multipliedReportingOverflow(by: Self.baseUnits)
    minimumNanos = overflow ? .max : Nanos(clamping: product)
    self.availableNanos = availableNanos
  }

  /// Whether there is less than a trial would like.
  var isShort: Bool { availableNanos < Self.trialBudgetNanos }

  /// The budget for trying out, nil where too little is left for any.
  var trialBudget: UInt64? {
    let budget = min(availableNanos, max(Self.trialBudgetNanos, minimumNanos), Self.maximumNanos)
    return budget >= minimumNanos ? UInt64(exactly: budget) : nil
  }

  /// The budget for executing, nil where too little is left.
  ///
  /// The margin covers what may change between the dry run and the execution.
  func budget(after used: GasUsed) -> UInt64? {
    let needed = max(used.computationNanos, used.netNanos)
    guard needed <= min(availableNanos, Self.maximumNanos) else { return nil }
    let (wanted, overflow) = needed.addingReportingOverflow(minimumNanos)
    let budget = min(overflow ? .max : wanted, availableNanos, Self.maximumNanos)
    return UInt64(exactly: max(budget, min(minimumNanos, availableNanos)))
  }
}

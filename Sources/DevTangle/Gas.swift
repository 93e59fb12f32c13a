/// What execution costs, in NANOS.
///
/// Source: effects of plain transfers on mainnet; iotaledger/iota,
/// crates/iota-protocol-config/src/lib.rs.
enum Gas {
  /// The least, and the reference, price of a unit.
  static let referencePrice: UInt64 = 1_000
  /// The most that may be offered for a unit.
  static let maximumPrice: UInt64 = 100_000
  /// The units that any small transaction is charged.
  ///
  /// Larger ones cost more on the network; here they do not.
  static let units: UInt64 = 1_000
  /// The largest budget: 50 IOTA.
  static let maximumBudget: UInt64 = 50_000_000_000
  /// The most coins that can pay for one transaction.
  static let maximumCoinCount = 256

  /// What a transaction was charged.
  struct Used: Hashable, Sendable {
    /// For computation: units × price.
    var computation: UInt64
    /// The part of it that nobody receives: units × reference price.
    var burned: UInt64
    /// For keeping the objects that were written.
    var storage: UInt64
    /// What was paid for keeping the objects that were replaced or deleted.
    var rebate: UInt64

    /// What the gas coin loses; negative where the rebate is larger.
    var net: Int64 {
      Int64(clamping: computation) + Int64(clamping: storage) - Int64(clamping: rebate)
    }
  }
}

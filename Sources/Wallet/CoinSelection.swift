import IOTACrypto
import PaywallCore

/// Which coins pay for a transaction and its gas: the largest, as few as needed.
///
/// The largest first, so that strangers who send dust cannot fill the 256 places.
struct CoinSelection {
  /// At most so many coins may pay for gas (`max_gas_payment_objects`).
  static let maximumCount = 256

  /// The chosen coins, the largest first.
  let coins: [Coin]
  /// What they hold together.
  let totalNanos: Nanos

  /// Chooses coins that hold at least the amount, or, where there is less, all that may be used.
  init(of coins: [Coin], coveringNanos amount: Nanos) {
    var chosen: [Coin] = []
    var total: Nanos = 0
    let sorted = coins.sorted {
      ($0.balanceNanos, $1.reference.id) > ($1.balanceNanos, $0.reference.id)
    }
    for coin in sorted.prefix(Self.maximumCount) where coin.balanceNanos > 0 {
      guard total < amount else { break }
      chosen.append(coin)
      let (sum, overflow) = total.addingReportingOverflow(coin.balanceNanos)
      // More than the whole supply: a node that invents coins.
      total = overflow ? .max : sum
    }
    self.coins = chosen
    totalNanos = total
  }
}

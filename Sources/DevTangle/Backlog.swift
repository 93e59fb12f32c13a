import IOTACrypto
public import PaywallCore

/// Payments that a tangle has had before it listens, as a seller finds them who was offline for
/// long.
///
/// Each is signed by one of a few keys, checked, executed and put into a checkpoint of its own, as
/// any other: only the clock is turned back while they are made. 100,000 take about half a minute.
public struct Backlog: Sendable {
  /// How many there are.
  public var count: Int
  /// Who gets them.
  public var recipient: Address
  /// The time from the first one to the tangle's start, in milliseconds, over which they are spread
  /// evenly: 90 days.
  public var spanMs: Int64 = 90 * 86_400_000
  /// How many accounts they name in their memos by turns: `user-0`, `user-1` and so on.
  public var accountCount = 1_000

  /// What each one is of, in NANOS.
  public static let amount: UInt64 = 500_000

  private static let payerCount = 10
  /// What a payer has at first for each payment: more than its amount and gas, and than any budget.
  private static let allowance: UInt64 = 20_000_000

  /// So many payments to the recipient.
  public init(count: Int, to recipient: Address) {
    self.count = count
    self.recipient = recipient
  }

  /// A chain that holds the payments, and the first coins of others, each in NANOS, from the span
  /// before the time on.
  func chain(
    genesis: [(owner: Address, balance: UInt64)], nowMs: Int64
  ) throws(Refusal) -> Chain {
    let payers = (0..<min(count, Self.payerCount)).map { _ in PrivateKey() }
    let wealth = payers.map { (owner: $0.address, balance: Self.allowance * UInt64(count)) }
    var chain = Chain(genesis: genesis + wealth, nowMs: nowMs - spanMs)
    for number in 0..<count {
      let timeMs = nowMs - spanMs + spanMs / Int64(count) * Int64(number)
      let payer = payers[number % payers.count]
      guard let coin = chain.coins(of: payer.address).first else {
        throw .input("\(payer.address) has no coins left.")
      }
      let memo = #"{"username":"user-\#(number % max(1, accountCount))"}"#
      let executed = try chain.execute(
        .payment(
          Self.amount, to: recipient, by: payer, from: coin.reference, memo: Array(memo.utf8)),
        nowMs: timeMs)
      if let failure = executed.failure {
        throw .input("The payment \(executed.digest) failed: \(failure)")
      }
      chain.makeCheckpoint(nowMs: timeMs)
    }
    return chain
  }
}

import Ledger
import PaywallCore

/// One line for the log about a payment; everything in it is public on the tangle.
///
/// So a name that only a sealed memo holds is not in it: the digest finds it in the ledger.
enum PaymentLine {
  static func describe(_ outcome: Ledger.Recorded.Outcome) -> String {
    let payment = outcome.payment
    let start = "payment \(payment.digest)"
    if let rejection = payment.rejection { return "\(start) is none: \(rejection)" }
    let amount = Amount.describe(payment.amount)
    switch outcome.assignment {
    case nil:
      let access = outcome.provisional.map { ", and gives access until \(time($0.endsAtMs))" }
      return "\(start) of \(amount) is pending\(access ?? "")"
    case .unclaimed(let reason):
      return "\(start) of \(amount) is unclaimed: \(reason)"
    case .claimed(let account, let offer):
      let effect =
        outcome.bought.map { "until \(time($0.endsAtMs))" } ?? "too little, kept as credit"
      let owner = owner(account, of: payment)
      let line = "\(start) of \(amount) for \(owner): '\(offer.name)' \(effect)"
      guard let madeGood = outcome.madeGood else { return line }
      let lost = length(madeGood.endsAtMs &- madeGood.startsAtMs)
      return "\(line); \(lost) of it had passed when it became known, and is made good until "
        + time(madeGood.endsAtMs)
    }
  }

  private static func owner(_ account: Account, of payment: Payment) -> String {
    guard case .sealed = payment.memo.content, case .buyer = account else { return "\(account)" }
    return "a buyer"
  }

  /// One line about an outage.
  static func describe(_ outage: Ledger.Outage) -> String {
    let times = "from \(time(outage.span.startsAtMs)) to \(time(outage.span.endsAtMs))"
    let count = outage.accounts.count
    guard count > 0 else {
      return "the broker was down \(times); nobody's bought time ran meanwhile"
    }
    return "the broker was down \(times); \(count) \(count == 1 ? "account is" : "accounts are") "
      + "given anew what ran meanwhile, \(length(outage.madeGoodMs)) in all (kind 'made_good')"
  }

  private static func length(_ timeMs: Int64) -> String {
    Period.describe(ms: timeMs < 1000 ? timeMs : timeMs / 1000 * 1000)
  }

  private static func time(_ timeMs: Int64) -> String { WrittenTime.describe(timeMs) }
}

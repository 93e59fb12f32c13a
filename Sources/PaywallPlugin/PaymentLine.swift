import Foundation
import Ledger
import PaywallCore

/// One line for the log about a payment; everything in it is public on the tangle.
enum PaymentLine {
  static func describe(_ outcome: Ledger.Recorded.Outcome) -> String {
    let payment = outcome.payment
    let start = "payment \(payment.digest)"
    if let rejection = payment.rejection { return "\(start) is none: \(rejection)" }
    let amount = Amount.describe(payment.amount)
    switch outcome.assignment {
    case nil:
      return "\(start) of \(amount) is pending"
    case .unclaimed(let reason):
      return "\(start) of \(amount) is unclaimed: \(reason)"
    case .claimed(let account, let offer):
      let effect =
        outcome.bought.map { "until \(time($0.endsAtMs))" } ?? "too little, kept as credit"
      return "\(start) of \(amount) for \(account): '\(offer.name)' \(effect)"
    }
  }

  /// From here on, what formats dates may not; only a ledger edited by hand leads there.
  private static let yearTenThousandMs: Int64 = 253_402_300_800_000

  private static func time(_ timeMs: Int64) -> String {
    guard timeMs < yearTenThousandMs else { return "the end of the calendar" }
    return Date(timeIntervalSince1970: Double(timeMs) / 1000)
      .formatted(
        .iso8601.year().month().day().time(includingFractionalSeconds: true)
          .timeZone(separator: .omitted))
  }
}

import HTTP
import Ledger
import PaywallCore
import Tangle

/// A difference between the ledger and the tangle, in a sentence.
struct Difference: Encodable, Hashable {
  /// What differs, in one word.
  let kind: String
  let payment: String?
  let holder: String?
  let checkpoint: Int64?
  let paidAt: String?
  /// What each says; amounts in NANOS.
  let ledger: String?
  let tangle: String?
  /// Why a payment of the ledger was not read: `invented`, `pruned` or `unlisted`; nil: it is not
  /// known.
  let why: String?
  /// The sentence.
  let text: String

  init(_ difference: LedgerDifference, absence: Absence? = nil) {
    kind = difference.kind.rawValue
    payment = difference.payment
    holder = difference.holder
    checkpoint = difference.checkpoint
    paidAt = difference.paidAtMs.map { Moment.describe(ms: $0) }
    ledger = difference.ledger
    tangle = difference.tangle
    why = absence?.name
    // Whatever somebody wrote into the ledger is shown in one line.
    text = SafeText.line(Self.sentence(difference, absence), maximumCount: 1000)
  }

  private static func sentence(_ difference: LedgerDifference, _ absence: Absence?) -> String {
    let subject = subject(of: difference)
    switch difference.kind {
    case .missing: return "\(subject) is on the tangle, but not in the ledger"
    case .absent: return "\(subject) is in the ledger, but \(absence.reason(difference))"
    case .bought where difference.ledger == difference.tangle:
      return "what \(subject) has bought for \(difference.holder ?? "nobody") stands in the ledger "
        + "more than once: \(span(difference.ledger))"
    case .bought:
      return "what \(subject) has bought for \(difference.holder ?? "nobody"): "
        + "\(span(difference.ledger)) in the ledger, \(span(difference.tangle)) by the tangle"
    case .credit:
      return "the credit of \(difference.holder ?? "nobody"): \(amount(difference.ledger)) in the "
        + "ledger, \(amount(difference.tangle)) by the tangle"
    default:
      return "\(subject): \(word(for: difference.kind)) is "
        + "\(value(difference.ledger, difference.kind)) in the ledger, "
        + "\(value(difference.tangle, difference.kind)) on the tangle"
    }
  }

  private static func subject(of difference: LedgerDifference) -> String {
    let amount = difference.amountNanos.map(Amount.describe)
    let time = difference.paidAtMs.map { Moment.describe(ms: $0) }
    let details = [amount, time].compactMap(\.self).joined(separator: ", ")
    return "payment \(difference.payment ?? "?")" + (details.isEmpty ? "" : " (\(details))")
  }

  private static func word(for kind: LedgerDifference.Kind) -> String {
    switch kind {
    case .account: "the account that it counts for"
    case .offer: "the offer that it counts for"
    default: "the \(kind.rawValue)"
    }
  }

  private static func value(_ text: String?, _ kind: LedgerDifference.Kind) -> String {
    guard let text else { return "nothing" }
    switch kind {
    case .amount: return amount(text)
    case .time: return Int64(text).map { Moment.describe(ms: $0) } ?? text
    default: return "'\(text)'"
    }
  }

  private static func amount(_ text: String?) -> String {
    text.flatMap { Nanos($0) }.map(Amount.describe) ?? text ?? "nothing"
  }

  private static func span(_ text: String?) -> String {
    guard let text else { return "nothing" }
    let times = text.split(separator: "..").compactMap { Int64($0) }
    guard let start = times.first, let end = times.last else { return text }
    return "\(Moment.describe(ms: start)) to \(Moment.describe(ms: end))"
  }
}

extension Absence {
  fileprivate var name: String {
    switch self {
    case .unlisted(let payment): payment.rejection == nil ? "unlisted" : "invented"
    case .invented: "invented"
    case .pruned: "pruned"
    }
  }
}

extension Absence? {
  fileprivate func reason(_ difference: LedgerDifference) -> String {
    switch self {
    case .unlisted(let payment):
      if let rejection = payment.rejection {
        return "on the tangle it is no payment to this address: \(rejection)"
      }
      return "the nodes do not list it for the address, though they know it: their index has gaps"
    case .invented:
      let place = difference.checkpoint.map { "in checkpoint \($0) or elsewhere" } ?? "anywhere"
      return "not on the tangle \(place): it was invented"
    case .pruned: return "the nodes have forgotten it (pruned), so nothing bears it out"
    case nil: return "was not read on the tangle, and no node says why"
    }
  }
}

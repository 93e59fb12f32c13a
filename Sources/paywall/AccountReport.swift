import Foundation
import HTTP
import PaywallCore

/// What a broker says on `$SYS/paywall/account`: what is left, and what has just happened.
struct AccountReport: Codable {
  struct Holding: Codable {
    struct Payment: Codable {
      let digest: String
      let amountNanos: Nanos
      let paidAt: String
    }

    let until: String?
    let creditNanos: Nanos
    let lastPayment: Payment?

    /// For people.
    var line: String {
      let access = until.map { "until " + SafeText.line($0, maximumCount: 40) } ?? "ended"
      return "\(access)  credit \(Amount.describe(creditNanos))"
    }
  }

  struct Notice: Codable {
    let kind: String
    let offer: String
    let payment: String?
    let missingNanos: Nanos?
  }

  let username: String?
  let offers: [String: Holding]
  let notice: Notice?

  /// Nil for anything that a paywall would not say.
  init?(json: [UInt8]) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard json.count <= 256 * 1024, let report = try? decoder.decode(Self.self, from: Data(json))
    else { return nil }
    self = report
  }

  /// Until when an offer may be read; nil: not now.
  func until(_ offer: Name) -> String? {
    offers[offer.description]?.until.map { SafeText.line($0, maximumCount: 40) }
  }

  /// Of which offer a payment is the newest, and what is held of it; nil where it counts for nothing
  /// here.
  func holding(paidBy digest: Digest) -> (offer: String, holding: Holding)? {
    let name = digest.description
    return offers.first { $0.value.lastPayment?.digest == name }
      .map { ($0.key, $0.value) }
  }

  /// The notice for people; nil where there is none.
  var noticeLine: String? {
    guard let notice else { return nil }
    let offer = SafeText.line(notice.offer, maximumCount: 64)
    let payment = SafeText.line(notice.payment ?? "", maximumCount: 64)
    let until = SafeText.line(offers[notice.offer]?.until ?? "?", maximumCount: 40)
    switch notice.kind {
    case "accepted": return "Accepted: payment \(payment) for '\(offer)', until \(until)."
    case "too_little":
      let missing = notice.missingNanos.map(Amount.describe) ?? "more"
      return "Too little: payment \(payment) is kept; \(missing) more buy something of '\(offer)'."
    case "ends_soon": return "Ends soon: '\(offer)' at \(until)."
    case "ended": return "Ended: '\(offer)'."
    default: return nil
    }
  }

  /// The same for people.
  var lines: [String] {
    let name = username.map { SafeText.line($0, maximumCount: 80) } ?? "(anonymous)"
    guard !offers.isEmpty else { return ["\(name) has bought nothing yet."] }
    return ["\(name):"]
      + offers.sorted { $0.key < $1.key }.prefix(1000).map { offer, holding in
        "  \(SafeText.line(offer, maximumCount: 64))  \(holding.line)"
      }
  }
}

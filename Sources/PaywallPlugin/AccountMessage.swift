import Ledger
import PaywallCore

/// What is told on `$SYS/paywall/account`: what the client's account holds, and what has just
/// happened.
struct AccountMessage: Message {
  /// Something that has just happened.
  struct Notice: Encodable, Hashable {
    enum Kind: String, Encodable {
      case accepted
      case tooLittle = "too_little"
      case endsSoon = "ends_soon"
      case ended
    }

    var kind: Kind
    var offer: String
    /// The payment, where one is the reason.
    var payment: String?
    /// With `tooLittle`: what has to be paid beyond it to get anything.
    var missingNanos: Nanos?
  }

  private struct Holding: Encodable {
    let status: AccountStatus.Offer

    private enum CodingKeys: CodingKey { case until, creditNanos, lastPayment }

    private struct Payment: Encodable {
      let digest: String
      let amountNanos: Nanos
      let paidAt: String
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      // What there is none of is told as null.
      try container.encode(status.untilMs.map { WrittenTime.describe($0) }, forKey: .until)
      try container.encode(status.creditNanos, forKey: .creditNanos)
      let payment = status.lastPayment.map {
        Payment(
          digest: $0.digest, amountNanos: $0.amountNanos,
          paidAt: WrittenTime.describe($0.paidAtMs))
      }
      try container.encode(payment, forKey: .lastPayment)
    }
  }

  private enum CodingKeys: CodingKey { case username, offers, notice }

  private let username: String?
  private let offers: [String: Holding]
  private let notice: Notice?

  init(_ username: Username, _ status: AccountStatus, _ notice: Notice?) {
    self.username = String(decoding: username, as: UTF8.self)
    offers = Dictionary(
      status.offers.map { ($0.name.description, Holding(status: $0)) }, uniquingKeysWith: { $1 })
    self.notice = notice
  }

  private init() {
    username = nil
    offers = [:]
    notice = nil
  }

  /// What a client without a name is told: nobody's account.
  static let anonymous = AccountMessage()

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(username, forKey: .username)
    try container.encode(offers, forKey: .offers)
    try container.encodeIfPresent(notice, forKey: .notice)
  }
}

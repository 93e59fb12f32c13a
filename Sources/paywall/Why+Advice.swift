import Access
import Configuration
import Foundation
import Ledger
import PaywallCore

extension Why {
  /// What would let the client read, where it may not.
  ///
  /// - Parameter other: The same question about whom the client may have been meant to be.
  /// - Returns: Sentences, each of a way of its own.
  func readAdvice(other: Why?) -> [String] {
    guard read == .deny else { return [] }
    var advice: [String] = []
    if let other, other.read == .allow, let name = other.username {
      advice.append(Self.loginAdvice(name))
    }
    switch readReason {
    case .anonymous:
      advice.append(
        "Log in, as an account of the password_file, as a buyer or with a wallet's signature, and "
          + "ask again with that name.")
      return advice + readers
    case .notHeld(_, .revoked(let row, _)):
      advice.append(
        "Take the revocation back: sqlite3 LEDGER \"DELETE FROM grants WHERE id = \(row)\".")
    case .notHeld: advice += openPayments + names.compactMap(payment)
    default: break
    }
    if case .notHeld(let offer, let holding) = readReason, let account, !holding.isRevoked {
      let name = Self.quoted(offer.description)
      advice.append("Give it time: paywall grant \(Self.quoted(account.description)) \(name) 1h.")
    }
    if let entry, !isOwn {
      advice.append(
        "Add \"\(shownTopic)\" to 'read' of [[account]] \(ShownText.line(entry.username.bytes)), "
          + "which then need not pay.")
    }
    return advice + readers
  }

  private var shownTopic: String { ShownText.line(topic) }

  /// What would let the client publish, where it may not.
  var writeAdvice: [String] {
    guard write == .deny else { return [] }
    let names = configuration.accounts.filter { matches($0.publish) != nil }.map(\.username)
    var advice = names.isEmpty ? [] : ["Log in as \(Self.list(names)), who may publish there."]
    guard !isOwn else { return advice }
    if let entry {
      advice.append(
        "Add \"\(shownTopic)\" to 'publish' of [[account]] "
          + "\(ShownText.line(entry.username.bytes)).")
    } else if case .broker(let name)? = account {
      advice.append(
        "Add an [[account]] to paywall.toml with username = \"\(ShownText.line(name.bytes))\" and "
          + "publish = [\"\(shownTopic)\"].")
    } else {
      advice.append("Only accounts that Mosquitto's own means authenticate can be an [[account]].")
    }
    return advice
  }

  // MARK: - Who else

  private var readers: [String] {
    let names = configuration.accounts.filter { entry in
      isOwn && sellers.isEmpty || matches(entry.read) != nil
    }.map(\.username)
    return names.isEmpty ? [] : ["Log in as \(Self.list(names)), who may read it without paying."]
  }

  private static func loginAdvice(_ name: Username) -> String {
    let shown = ShownText.line(name)
    switch Account(username: name) {
    case .buyer(let buyer)?:
      return "Log in with the buyer's password: '\(shown)' may read it, which is what a client is "
        + "called inside the broker that logs in as \(ShownText.line(buyer.bytes)) with the "
        + "password of the sealed memo."
    default:
      return
        "Log in as '\(shown)' with a password of the broker's own (password_file): that account "
        + "may read it."
    }
  }

  private static func list(_ names: [Name]) -> String {
    names.prefix(5).map { ShownText.line($0.bytes) }.joined(separator: " or ")
      + (names.count > 5 ? " or others" : "")
  }

  // MARK: - Payments

  private var openPayments: [String] {
    guard let account, let offer = names.first else { return [] }
    return situation.openPayments.map { payment in
      let amount = Amount.describe(payment.amountNanos)
      let digest = ShownText.line(payment.digest)
      guard payment.state == PaymentState.unclaimed.rawValue else {
        return "Wait: payment \(digest) of \(amount) is pending, and counts once it is in a "
          + "checkpoint."
      }
      return "Payment \(digest) of \(amount) is unclaimed (\(ShownText.line(payment.reason))): "
        + "paywall assign \(digest) \(Self.quoted(account.description)) "
        + "\(Self.quoted(offer.description))."
    }
  }

  /// The names of the offers that sell the topic.
  private var names: [Name] {
    sellers.map(\.offer.name).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// How to buy an offer.
  private func payment(_ name: Name) -> String? {
    guard let account else { return nil }
    let shown = "'\(ShownText.line(name.bytes))'"
    let history = OfferHistory(versions: situation.offers.map(\.offer))
    guard let onSale = history.offer(named: name, atMs: nowMs), matches(onSale.topics) != nil else {
      return "\(shown) does not sell it any more; nobody can buy it."
    }
    let (memo, isPossible) = memo(for: account, name)
    guard isPossible else {
      return "\(shown) cannot be bought by a wallet that attaches no memo: its payments count for "
        + "the first offer."
    }
    let credit = situation.credits[name.bytes] ?? 0
    let least = onSale.amount(forMs: max(1, onSale.minimumMs)) ?? onSale.price
    let (missing, _) = least.subtractingReportingOverflow(credit)
    return "Pay \(configuration.tangle.address) \(memo): \(Amount.describe(onSale.price)) buy "
      + "\(Period.describe(ms: onSale.perMs)) of \(shown); at least "
      + "\(Amount.describe(max(1, missing))) have to come"
      + (credit > 0 ? ", for \(Amount.describe(credit)) are there as credit." : ".")
  }

  /// Which memo a payment needs to count for an account and an offer, and whether there is one.
  private func memo(for account: Account, _ offer: Name) -> (words: String, isPossible: Bool) {
    let history = OfferHistory(versions: situation.offers.map(\.offer))
    let isFirst = history.firstOffer(atMs: nowMs)?.name == offer
    switch account {
    case .wallet: return ("from that wallet, without a memo", isFirst)
    case .broker, .buyer:
      let named = isFirst ? "" : ",\"offer\":\(Self.json(offer.description))"
      let memo = "{\"username\":\(Self.json(account.description))\(named)}"
      return ("with the memo \(memo)", true)
    }
  }

  private static func json(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }

  private static func quoted(_ text: String) -> String {
    ShellWord.quoted(ShownText.line(text))
  }
}

extension Why.Holding {
  fileprivate var isRevoked: Bool {
    if case .revoked = self { true } else { false }
  }
}

import Access
import Configuration
import Ledger
import PaywallCore

extension Why {
  /// The client, as sentences begin.
  var shownClient: String {
    username.map { ShownText.line($0) } ?? "A client without a name"
  }

  /// The rule that decides who reads, in a word and in a sentence.
  var readWords: (rule: String, sentence: String) {
    switch readReason {
    case .free(let filter):
      return ("free", "It is a free topic ('\(filter)' under [access] free): anyone reads it.")
    case .held(let offer, let span): return ("held", heldSentence(offer, span))
    case .configured(let filter):
      return (
        "configured", "It is sold, and this [[account]] may read '\(filter)' without paying."
      )
    case .anonymous:
      return ("anonymous", "It is sold (\(offerNames)), and who has not logged in has no account.")
    case .notHeld(let offer, let holding): return notHeldWords(offer, holding)
    case .ownOffers: return ("offers", "What is sold is told to anybody.")
    case .ownConfigured:
      return ("own", "Topics of $SYS/paywall are for accounts that paywall.toml names.")
    case .ownDenied:
      return (
        "own",
        "Topics of $SYS/paywall are for accounts that paywall.toml names. (What is told on "
          + "\(SystemTopic.key) and \(SystemTopic.account) reaches the client that subscribed all "
          + "the same.)"
      )
    case .other: return ("other", Self.otherSentence)
    }
  }

  /// The rule that decides who publishes, in a word and in a sentence.
  var writeWords: (rule: String, sentence: String) {
    let others = "and only an [[account]] whose 'publish' matches it may publish there."
    switch writeReason {
    case .configured(let filter):
      return ("configured", "This [[account]] may publish to '\(filter)'.")
    case .sold: return ("sold", "It is sold (\(offerNames)), \(others)")
    case .free(let filter): return ("free", "It is a free topic ('\(filter)'), \(others)")
    case .own: return ("own", "Topics of $SYS/paywall are the broker's own, \(others)")
    case .other: return ("other", Self.otherSentence)
    }
  }

  /// What else is to be known of who reads.
  var remarks: [String] {
    var remarks = situation.flaws.map { "\($0)." }
    if case .buyer(let name)? = account, !situation.hasPassword {
      remarks.append(
        situation.isKnown
          ? "Nobody can log in as \(shownClient): there is no password. A sealed memo that names "
            + "\(ShownText.line(name.bytes)) makes one; where you set it to NULL, that keeps it out."
          : "There is no such buyer yet: the first sealed memo that names "
            + "\(ShownText.line(name.bytes)) makes it.")
    }
    if username != nil, account == nil {
      remarks.append(
        "No payment can ever count for this name: an account has 1 to 64 bytes without / + # $ % : "
          + "and control characters, or is buyer:NAME or 0x….")
    }
    if configuration.access.isSubscribeStrict, !sellers.isEmpty, read == .deny {
      remarks.append(
        "With subscribe = \"strict\" a SUBSCRIBE to what is sold is refused until then.")
    }
    let unknown = configuration.offers.map(\.terms).filter { terms in
      matches(terms.topics) != nil && !sold.contains { $0.offer.hasSameTerms(as: terms) }
    }
    for terms in unknown {
      remarks.append(
        "paywall.toml sells it as '\(ShownText.line(terms.name.bytes))' on terms that the ledger "
          + "does not know: the broker has not read the file again since it was changed "
          + "(systemctl reload mosquitto), or they hold from another time.")
    }
    return remarks
  }

  /// The client's account; nil for a name that none can have, and without a name.
  var account: Account? { username.flatMap { Account(username: $0) } }

  private static let otherSentence =
    "It is neither sold nor free: the broker's other rules decide (acl_file, dynamic security). "
    + "Where there are none, Mosquitto denies what a plugin leaves to it."

  private var offerNames: String {
    var names: [String] = []
    for seller in sellers {
      let name = "'\(ShownText.line(seller.offer.name.bytes))'"
      if !names.contains(name) { names.append(name) }
    }
    return names.joined(separator: ", ")
  }

  private func heldSentence(_ offer: Name, _ span: Span) -> String {
    let rows = situation.rows.filter { row in
      row.offer == offer.bytes && row.grant.kind != .revoked && row.grant.span.contains(nowMs)
    }
    let givers = rows.map { row in
      let payment = row.payment.map { " with payment \(ShownText.line($0))" } ?? ""
      switch row.grant.kind {
      case .bought: return "bought\(payment)"
      case .madeGood: return "made good (grants row \(row.id))"
      case _ where row.isProvisional: return "given until payment \(row.payment ?? "") counts"
      default: return row.payment == nil ? "granted (grants row \(row.id))" : "assigned\(payment)"
      }
    }
    let limit = connectionLimit.map { count in
      " At most the \(count) newest connections of the account read it at once (clients); an older "
        + "one is denied."
    }
    return "It is sold, and \(shownClient) holds '\(ShownText.line(offer.bytes))' until "
      + "\(Moment.describe(ms: span.endsAtMs)) (\(ShownText.length(ms: leftMs(span.endsAtMs))) left): "
      + givers.joined(separator: ", ") + "." + (limit ?? "")
  }

  private func notHeldWords(_ offer: Name, _ holding: Holding) -> (rule: String, sentence: String) {
    let name = "'\(ShownText.line(offer.bytes))'"
    switch holding {
    case .revoked(let row, let span):
      return (
        "revoked",
        "It is sold, and \(shownClient) has time of \(name), which is revoked until "
          + "\(Moment.describe(ms: span.endsAtMs)) (grants row \(row))."
      )
    case .later(let fromMs):
      return (
        "later",
        "It is sold, and the time that \(shownClient) has of \(name) begins at "
          + "\(Moment.describe(ms: fromMs)), in \(ShownText.length(ms: leftMs(fromMs)))."
      )
    case .ended(let atMs):
      let agoMs = nowMs.subtractingReportingOverflow(atMs).partialValue
      return (
        "ended",
        "It is sold, and the time that \(shownClient) had of \(name) ended at "
          + "\(Moment.describe(ms: atMs)), \(ShownText.length(ms: agoMs)) ago."
      )
    case .never:
      return ("never", "It is sold (\(offerNames)), and \(shownClient) never had any time of it.")
    }
  }

  private func leftMs(_ timeMs: Int64) -> Int64 {
    let (leftMs, overflow) = timeMs.subtractingReportingOverflow(nowMs)
    return overflow ? .max : leftMs
  }
}

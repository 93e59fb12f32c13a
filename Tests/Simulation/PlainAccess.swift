/// Who may read what, written down plainly.
struct PlainAccess {
  enum Answer: String { case allow, deny, `defer` }

  /// Time that somebody has of an offer.
  struct Given {
    var account: String
    var offer: String
    /// Which version's topics; nil: those of all versions.
    var version: PlainOffers.Version?
    var startsAtMs: Int64
    var endsAtMs: Int64

    var key: String { "\(account)|\(offer)" }

    func contains(_ timeMs: Int64) -> Bool { startsAtMs <= timeMs && timeMs < endsAtMs }
  }

  var offers: PlainOffers
  var free: [String]
  /// Who may read what without paying.
  var readers: [String: [String]]
  var given: [Given] = []
  var revoked: [Given] = []

  func holds(_ account: String, _ version: PlainOffers.Version, atMs timeMs: Int64) -> Bool {
    let name = version.terms.name
    let isGiven = given.contains {
      $0.account == account && $0.offer == name && ($0.version == nil || $0.version == version)
        && $0.contains(timeMs)
    }
    return isGiven
      && !revoked.contains {
        $0.account == account && $0.offer == name && $0.contains(timeMs)
      }
  }

  /// Whether a version's topics are sold: it is on sale, or some of its time still runs.
  func isSold(_ version: PlainOffers.Version, atMs timeMs: Int64) -> Bool {
    guard let untilMs = version.untilMs, untilMs <= timeMs else { return true }
    return given.contains {
      $0.offer == version.terms.name && ($0.version == nil || $0.version == version)
        && $0.endsAtMs > timeMs
    }
  }

  func answer(_ account: String?, _ topic: String, atMs timeMs: Int64) -> Answer {
    if free.contains(where: { plainlyMatches($0, topic) }) { return .allow }
    let sellers = offers.versions.filter { version in
      version.terms.topics.contains { plainlyMatches($0, topic) } && isSold(version, atMs: timeMs)
    }
    guard !sellers.isEmpty else { return .defer }
    guard let account else { return .deny }
    if sellers.contains(where: { holds(account, $0, atMs: timeMs) }) { return .allow }
    let isReader = readers[account]?.contains { plainlyMatches($0, topic) } ?? false
    return isReader ? .allow : .deny
  }
}

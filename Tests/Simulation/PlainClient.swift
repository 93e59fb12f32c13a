/// Somebody's session.
struct PlainClient: Equatable {
  /// Counts up with each connection.
  var number: Int
  /// The client id.
  var id: Int
  var account: String?
  /// Whether it outlives its connection.
  var isKept: Bool
  var isConnected = true
  /// The filters that it shares with others.
  var shared: Set<String> = []
}

/// Who may have how many connections, and subscribe to what, written down plainly.
extension PlainAccess {
  /// One topic for each way in which the filters of the simulation can match.
  static let samples = [
    "s", "s/live", "s/other", "s/extra", "s/x", "s/y", "s/y/z", "s/y/q", "s/q", "s/q/r", "free",
    "free/1", "free/q", "free/x", "q/x", "else", "$s", "$s/x",
  ]

  private static func overlap(_ one: String, _ other: String) -> Bool {
    samples.contains { plainlyMatches(one, $0) && plainlyMatches(other, $0) }
  }

  private static func covers(_ wide: String, _ narrow: String) -> Bool {
    samples.allSatisfy { !plainlyMatches(narrow, $0) || plainlyMatches(wide, $0) }
  }

  /// How many connections of an account may read what it may read; nil: any number.
  func limit(_ account: String?, _ topic: String, atMs timeMs: Int64) -> Int? {
    guard let account, !free.contains(where: { plainlyMatches($0, topic) }),
      readers[account]?.contains(where: { plainlyMatches($0, topic) }) != true
    else { return nil }
    let limits = offers.versions.filter { version in
      version.terms.topics.contains { plainlyMatches($0, topic) }
        && holds(account, version, atMs: timeMs)
    }.map(\.terms.clients)
    return limits.contains(0) ? nil : limits.max()
  }

  /// The filters that are sold, and not wholly free, with whose they are.
  private func sold(atMs timeMs: Int64) -> [(filter: String, version: PlainOffers.Version)] {
    offers.versions.filter { isSold($0, atMs: timeMs) }.flatMap { version in
      version.terms.topics.map { (filter: $0, version: version) }
    }.filter { sold in !free.contains { Self.covers($0, sold.filter) } }
  }

  private func isReader(_ account: String?, _ filter: String) -> Bool {
    account.flatMap { readers[$0] }?.contains { Self.covers($0, filter) } ?? false
  }

  /// Whether a client may subscribe to a filter alone.
  func maySubscribe(
    _ account: String?, _ filter: String, isStrict: Bool, atMs timeMs: Int64
  ) -> Bool {
    let sold = sold(atMs: timeMs)
    guard isStrict, !free.contains(where: { Self.covers($0, filter) }),
      sold.contains(where: { Self.covers($0.filter, filter) }), !isReader(account, filter)
    else { return true }
    guard let account else { return false }
    return sold.contains {
      Self.overlap($0.filter, filter) && holds(account, $0.version, atMs: timeMs)
    }
  }

  /// Whether an account needs time to share a filter with others.
  func needsTime(_ account: String?, _ filter: String, atMs timeMs: Int64) -> Bool {
    shareLimit(nil, filter, atMs: timeMs) != nil && !isReader(account, filter)
  }

  /// How many connections of an account may share a filter with others; nil: any number.
  func shareLimit(_ account: String?, _ filter: String, atMs timeMs: Int64) -> Int? {
    guard !free.contains(where: { Self.covers($0, filter) }), !isReader(account, filter) else {
      return nil
    }
    let sold = sold(atMs: timeMs)
    var least: Int?
    for wanted in sold where Self.overlap(wanted.filter, filter) {
      // Who holds any offer of all of it may read it.
      let limits = sold.filter { other in
        Self.covers(other.filter, wanted.filter)
          && account.map { holds($0, other.version, atMs: timeMs) } ?? false
      }.map(\.version.terms.clients)
      guard let most = limits.max() else { return 0 }
      if !limits.contains(0) { least = min(least ?? most, most) }
    }
    return least
  }
}

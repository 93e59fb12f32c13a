/// How much everybody may have lost of what was bought, by account and offer: no more is made good.
struct PlainLosses {
  private(set) var mostMs: [String: Int64] = [:]
  /// What is made good only where it takes longer, in milliseconds.
  private static let ordinaryMs: Int64 = 10_000

  /// Payments became known that were final earlier.
  mutating func know(
    _ known: [PlainTransaction], before: PlainHistory, after: PlainHistory, nowMs: Int64,
    revoked: [PlainAccess.Given]
  ) {
    let former = Dictionary(before.bought.map { ($0.payment, $0) }) { first, _ in first }
    let byKey = Dictionary(grouping: known) { transaction in
      after.claims[transaction.text].map { "\($0.account)|\($0.offer)" }
    }
    for case (let key?, let late) in byKey {
      guard let fromMs = late.compactMap({ $0.checkpoint?.timeMs }).min() else { continue }
      var moreMs: Int64 = 0
      for bought in after.bought where bought.key == key {
        let formerMs = former[bought.payment].flatMap { $0.key == key ? $0.lengthMs : nil }
        moreMs += max(0, bought.lengthMs - (formerMs ?? 0))
      }
      mostMs[key, default: 0] += min(moreMs, Self.unrevokedMs(key, fromMs, nowMs, revoked))
    }
  }

  /// The broker was down.
  mutating func end(
    fromMs: Int64, untilMs: Int64, given: [PlainAccess.Given], revoked: [PlainAccess.Given]
  ) {
    guard untilMs - fromMs > Self.ordinaryMs else { return }
    let lost = given.map { given in
      var given = given
      given.startsAtMs = max(fromMs, given.startsAtMs)
      given.endsAtMs = min(untilMs, given.endsAtMs)
      return given
    }
    mostMs.merge(Self.usableMs(lost, revoked)) { $0 + $1 }
  }

  /// How much of some time is not revoked, by account and offer.
  static func usableMs(
    _ given: [PlainAccess.Given], _ revoked: [PlainAccess.Given]
  ) -> [String: Int64] {
    given.reduce(into: [:]) { sums, given in
      sums[given.key, default: 0] += unrevokedMs(
        given.key, given.startsAtMs, given.endsAtMs, revoked)
    }
  }

  private static func unrevokedMs(
    _ key: String, _ fromMs: Int64, _ untilMs: Int64, _ revoked: [PlainAccess.Given]
  ) -> Int64 {
    let spans = revoked.filter { $0.key == key }
      .map { ($0.startsAtMs, $0.endsAtMs) }
    return max(0, untilMs - fromMs)
      - TimeAccount.length(spans, fromMs: fromMs, untilMs: untilMs)
  }
}

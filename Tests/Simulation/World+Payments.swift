import PaywallCore

/// What is sent to the seller.
extension World {
  /// Somebody sends a transaction, some time ago.
  func send(agoMs: Int64 = 0) {
    let sentAtMs = time.tangleMs - agoMs
    let checkpoint = checkpoint(sentAtMs: sentAtMs)
    let digest = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    let lateMs = pick([0, 0, number(0...5000), number(20_000...400_000)])
    let isLost = chance(12)
    var transaction = PlainTransaction(
      digest: digest, text: Bytes32(digest).map { Digest($0).description } ?? "",
      payer: chance(12) ? nil : pick(Self.wallets), isPayerVerified: chance(2), amount: amount(),
      memo: memo(), isRejected: chance(12), sentAtMs: sentAtMs,
      checkpoint: isLost ? nil : checkpoint, shownFromMs: checkpoint.timeMs + Int64(lateMs))
    // Whoever has paid pays again.
    if chance(3), let earlier = tangle.randomElement(using: &random) {
      (transaction.payer, transaction.memo) = (earlier.payer, earlier.memo)
    }
    if nodes.areRead {
      transaction.sign(number: UInt64(tangle.count + 1), areMemosStrings: chance(2))
    }
    tangle.append(transaction)
    say("transaction \(tangle.count - 1) is sent: \(transaction.summary)")
  }

  /// Mostly within seconds; also that of the transaction before, and exactly when something begins or
  /// ends.
  private func checkpoint(sentAtMs: Int64) -> (sequence: Int64, timeMs: Int64) {
    if chance(6), let last = tangle.last?.checkpoint, last.timeMs > sentAtMs { return last }
    let edgesMs =
      announced.values.map(\.fromMs)
      + (lastAccess?.given ?? []).flatMap { [$0.startsAtMs, $0.endsAtMs] }
    let edges = edgesMs.filter { (sentAtMs + 1...sentAtMs + 150_000).contains($0) }.sorted()
      .map(SimulatedTime.checkpoint)
      .filter { edgesMs.contains($0.timeMs) && $0.timeMs > sentAtMs }
    if chance(3), let edge = edges.randomElement(using: &random) { return edge }
    return SimulatedTime.checkpoint(atMs: sentAtMs + 250 + Int64(number(0...3000)))
  }

  /// Anything, rarely much; a multiple by which time ends with a checkpoint; or about the least that
  /// buys.
  private func amount() -> Int64 {
    if chance(20) { return Int64(number(1_000_000...3_000_000_000)) }
    let any = pick([number(1...60), number(60...5000), number(60...30_000)])
    if chance(4) { return Int64(50 * number(1...200)) }
    guard chance(4) else { return Int64(any) }
    let terms = pick(stated)
    let least = (max(1, terms.minimumMs) * terms.price + terms.perMs - 1) / terms.perMs
    return max(1, least + Int64(number(-1...1)))
  }

  private func memo() -> PlainTransaction.Memo {
    pick([
      .none, .none, .plain("a", offer: nil), .plain("a", offer: "live"),
      .plain("b", offer: "other"), .plain("b", offer: nil), .plain("buyer:x", offer: nil),
      .plain(pick(Self.impossibleNames), offer: nil), .plain("a", offer: "nothing"),
      .unreadable, .contradictory,
      .sealed("x", password: "p", offer: nil), .sealed("x", password: "q", offer: nil),
      .sealed("x", password: "p", offer: "other"), .sealed("x", password: "q", offer: "other"),
      .sealed("y", password: "p", offer: nil),
      .sealed("y", password: "q", offer: "nothing"),
    ])
  }
}

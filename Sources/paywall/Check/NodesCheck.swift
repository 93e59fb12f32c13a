import Configuration
import PaywallCore
import Tangle

/// Whether the nodes answer, are of the network, and tell the right time and the whole history.
struct NodesCheck {
  /// How far a node may be behind the others, in milliseconds.
  private static let tolerableLagMs: Int64 = 60_000

  let tangle: PaywallConfiguration.Tangle
  let surveys: [NodeSurvey]
  /// The position that the ledger was read up to, and from when on; nil where nothing was.
  let position: ReadingPosition?
  /// The last payment of the ledger that every node should know; nil where there is none.
  let lastPayment: Digest?

  /// The nodes that answer and are of the network.
  var well: [NodeSurvey] {
    surveys.filter { $0.failure == nil && $0.network == tangle.network }
  }

  /// How far the tangle's time is ahead of this machine's clock, as the node tells it that is most
  /// ahead, in milliseconds; nil where none answers.
  var skewMs: Int64? { well.compactMap(\.skewMs).max() }

  func run(_ findings: inout Findings) {
    let clockIsOff = isClockOff
    for survey in surveys { check(survey, clockIsOff: clockIsOff, &findings) }
    checkClock(isOff: clockIsOff, &findings)
    checkAgreement(&findings)
  }

  // MARK: - One node

  private func check(_ survey: NodeSurvey, clockIsOff: Bool, _ findings: inout Findings) {
    let url = survey.url
    if let network = survey.network, network != tangle.network {
      return findings.fail(
        "node-network", url,
        "\(url) is of network '\(network)', but 'network' is '\(tangle.network)'",
        mend: "correct one of the two; payments on another network are not yours")
    }
    guard survey.failure == nil else { return reportFailure(of: survey, &findings) }
    let isBehind = checkTime(of: survey, clockIsOff: clockIsOff, &findings)
    checkHistory(of: survey, &findings)
    if !survey.isHealthy {
      findings.warn(
        "node-health", url,
        "\(url) says that it is not healthy, so what was paid last may be missing",
        mend: "wait until it has caught up, or name another node")
    }
    if !survey.isEncrypted, !survey.isLocal {
      findings.warn(
        "node-tls", url,
        "\(url) is asked without encryption: whoever is on the way may change "
          + "its answers", mend: "write https:// where it has it")
    }
    guard !isBehind, let newest = survey.newest, let skewMs = survey.skewMs else { return }
    let way = survey.isEncrypted ? " over TLS" : survey.isLocal ? " on this machine" : ""
    findings.ok(
      "node", url,
      "\(url) answers\(way) in \(survey.firstAnswerMs ?? 0) ms, of network "
        + "\(survey.network ?? ""), newest checkpoint \(newest.sequence)\(Self.age(skewMs))")
  }

  private func reportFailure(of survey: NodeSurvey, _ findings: inout Findings) {
    let reason = survey.failure ?? ""
    guard survey.firstAnswerMs != nil else {
      return findings.fail(
        "node-reachable", survey.url, "\(survey.url) does not answer: \(reason)",
        mend: "look whether it is up and speaks \(tangle.protocol.rawValue), or name another")
    }
    findings.fail(
      "node-protocol", survey.url,
      "\(survey.url) answers, but not all that payments need: \(reason)",
      mend: "look whether it is a node that speaks \(tangle.protocol.rawValue), or name another")
  }

  private func checkTime(
    of survey: NodeSurvey, clockIsOff: Bool, _ findings: inout Findings
  ) -> Bool {
    guard !clockIsOff, let skewMs = survey.skewMs, let newest = survey.newest else { return false }
    if abs(skewMs) > TangleClock.toleranceMs {
      findings.fail(
        "node-time", survey.url,
        "\(survey.url): its newest checkpoint, \(newest.sequence), is \(Self.span(skewMs)) "
          + (skewMs < 0 ? "old" : "in the future"),
        mend: "it stands still or lies; name another node")
      return true
    }
    // Those that are ahead by more than any clock may be are no measure.
    let times = well.filter { abs($0.skewMs ?? .max) <= TangleClock.toleranceMs }
    guard let best = times.max(by: { ($0.skewMs ?? 0) < ($1.skewMs ?? 0) }),
      let lagMs = best.skewMs.map({ $0 - skewMs }), lagMs > Self.tolerableLagMs
    else { return false }
    let count = max(0, (best.newest?.sequence ?? 0) - newest.sequence)
    findings.warn(
      "node-lag", survey.url,
      "\(survey.url) is \(Self.span(lagMs)) (\(count) checkpoints) behind \(best.url)",
      mend: "put it last, or name another node")
    return true
  }

  /// How old the newest checkpoint is, where that is more than the clocks' difference.
  private static func age(_ skewMs: Int64) -> String {
    skewMs < 0 ? ", \(span(skewMs)) old" : ""
  }

  /// A span in words, in whole units: `850 ms`, `12 s`, `61 min`.
  static func span(_ timeMs: Int64) -> String {
    let units: [(name: String, ms: UInt64)] = [
      ("days", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000),
    ]
    let timeMs = timeMs.magnitude
    guard let unit = units.first(where: { timeMs >= 2 * $0.ms }) else { return "\(timeMs) ms" }
    return "\(timeMs / unit.ms) \(unit.name)"
  }

  // MARK: - History

  private func checkHistory(of survey: NodeSurvey, _ findings: inout Findings) {
    let url = survey.url
    if let lastPayment, survey.lost.contains(lastPayment) {
      findings.fail(
        "node-history", url,
        "\(url) does not know the last payment of the ledger, \(lastPayment): it lags, or has "
          + "forgotten where reading goes on",
        mend: "name a node that keeps its history, or later payments may be missed")
    } else if let lost = survey.lost.first {
      findings.warn(
        "node-history", url,
        "\(url) has forgotten the ledger's first payment, \(lost): it serves the broker, but no "
          + "'paywall verify' and no new ledger",
        mend: "keep backups, or name a node that keeps its history")
    }
    guard let oldest = survey.oldest, let position else { return }
    if oldest.sequence - 1 > position.checkpoint ?? 0,
      position.checkpoint != nil || oldest.timeMs > position.sinceMs
    {
      findings.fail(
        "node-history", url,
        "\(url) has milestones from \(oldest.sequence) (\(Moment.describe(ms: oldest.timeMs))) on "
          + "only, but the ledger was read up to \(position.checkpoint ?? 0)",
        mend: "name a node that has those between, or payments in them may be missed")
    } else if oldest.timeMs > position.sinceMs {
      findings.warn(
        "node-history", url,
        "\(url) has forgotten what was before \(Moment.describe(ms: oldest.timeMs)): it serves "
          + "the broker, but no 'paywall verify' and no new ledger",
        mend: "keep backups, or name a node that keeps its history")
    }
  }
}

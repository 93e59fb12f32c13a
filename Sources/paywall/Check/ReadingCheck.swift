import Configuration
import Ledger
import PaywallCore
import Tangle

/// How far the ledger was read, and what waits in it for the seller.
struct ReadingCheck {
  /// The broker notes once a minute that it runs.
  private static let aliveMs: Int64 = 180_000
  /// How long a payment may take from its checkpoint into the ledger, in milliseconds.
  private static let settlingMs: Int64 = 30_000
  /// A position is recorded every hundred milestones, payments or not.
  private static let milestoneLag: Int64 = 200
  /// A transaction that is in no checkpoint after so long is in none any more.
  private static let pendingMs: Int64 = 600_000

  let tangle: PaywallConfiguration.Tangle
  let ledger: LedgerInspection
  let nodes: NodesCheck

  /// The tangle's time, by this machine's clock where no node tells it.
  private var nowMs: Int64 { Moment.nowMs &+ (nodes.skewMs ?? 0) }

  func run(_ findings: inout Findings) throws {
    let isAlive = try checkBroker(&findings)
    let readings = try ledger.readings()
    let address = tangle.address.description
    if let reading = readings.first(where: {
      $0.network == tangle.network && $0.address == address
    }) {
      report(reading, isAlive: isAlive, &findings)
    } else if let other = readings.first {
      findings.warn(
        "reading", ledger.path,
        "the ledger was read for \(other.address) on network '\(other.network)', and nothing yet for "
          + "\(address) on '\(tangle.network)'",
        mend: "that is right after a move; else correct 'address' or 'network'")
    } else {
      findings.ok("reading", ledger.path, "nothing was read into the ledger yet")
    }
    checkUnread(isAlive: isAlive, &findings)
    try checkWaiting(&findings)
  }

  /// Whether the broker runs, as far as the ledger knows.
  private func checkBroker(_ findings: inout Findings) throws -> Bool {
    guard let aliveMs = try ledger.aliveAtMs() else {
      findings.warn(
        "broker", ledger.path, "no broker has noted in the ledger yet that it runs",
        mend: "start it; it does so once a minute, as soon as a node has answered")
      return false
    }
    guard (nowMs &- aliveMs).magnitude <= Self.aliveMs.magnitude else {
      findings.warn(
        "broker", ledger.path,
        "the broker noted at \(Moment.describe(ms: aliveMs)) that it runs, and not since",
        mend: "start it, or look into its log: journalctl -u mosquitto")
      return false
    }
    findings.ok(
      "broker", ledger.path, "the broker runs, as it noted at \(Moment.describe(ms: aliveMs))")
    return true
  }

  private func report(
    _ reading: LedgerInspection.Reading, isAlive: Bool, _ findings: inout Findings
  ) {
    let place = reading.checkpoint.map { "up to checkpoint \($0)" } ?? "not wholly yet"
    let text =
      "payments to \(tangle.address) are read \(place), last recorded at "
      + Moment.describe(ms: reading.updatedAtMs)
    // On Rebased the position is that of the last payment, which may be long ago.
    let newest = nodes.well.compactMap(\.newest?.sequence).max() ?? 0
    let lag = newest &- (reading.checkpoint ?? 0)
    guard tangle.protocol == .stardust, lag > Self.milestoneLag else {
      return findings.ok("reading", ledger.path, text)
    }
    let lagging = "\(text): \(lag) milestones behind the nodes"
    if isAlive {
      findings.fail(
        "reading", ledger.path, lagging, mend: "look into the broker's log: journalctl -u mosquitto"
      )
    } else {
      findings.warn("reading", ledger.path, lagging, mend: "they are read when the broker runs")
    }
  }

  /// Transactions that as many nodes list as have to agree, and that the ledger should have by now.
  private func checkUnread(isAlive: Bool, _ findings: inout Findings) {
    guard tangle.protocol != .stardust, !nodes.well.isEmpty else { return }
    let sinceMs = nodes.position?.sinceMs ?? .min
    var tellers: [Digest: Int] = [:]
    var oldestMs = Int64.max
    for node in nodes.well {
      let newestMs = node.newest?.timeMs ?? 0
      for unread in node.unread {
        guard let timeMs = unread.checkpoint?.timeMs, timeMs >= sinceMs,
          newestMs &- timeMs > Self.settlingMs
        else { continue }
        tellers[unread.digest, default: 0] += 1
        oldestMs = min(oldestMs, timeMs)
      }
    }
    let count = tellers.values.count { $0 >= tangle.agree }
    guard count > 0 else {
      return findings.ok(
        "unread", nil, "what the nodes list last for the address is in the ledger")
    }
    let text =
      "\(count == 1 ? "1 transaction" : "\(count) transactions"), the first of "
      + "\(Moment.describe(ms: oldestMs)), \(count == 1 ? "is" : "are") not in the ledger"
    if isAlive {
      findings.fail(
        "unread", nil, "\(text), though the broker runs",
        mend: "look into its log: journalctl -u mosquitto")
    } else {
      findings.warn("unread", nil, text, mend: "they are read when the broker runs")
    }
  }

  private func checkWaiting(_ findings: inout Findings) throws {
    let unclaimed = try ledger.unclaimed()
    if unclaimed.count > 0 {
      findings.warn(
        "unclaimed", nil,
        "\(Self.count(unclaimed.count)) for nobody: the broker cannot tell for whom",
        mend: "look into unclaimed_payments, and assign each with 'paywall assign' or pay it back")
    } else {
      findings.ok("unclaimed", nil, "no payment waits to be assigned")
    }
    let pending = try ledger.pending()
    if pending.count > 0, let oldestMs = pending.oldestSeenAtMs, nowMs &- oldestMs > Self.pendingMs
    {
      findings.warn(
        "pending", nil,
        "\(Self.count(pending.count)) in no checkpoint, the first seen at "
          + Moment.describe(ms: oldestMs),
        mend: "one that is not final after minutes hardly ever will be: nothing was bought with it")
    } else if pending.count > 0 {
      findings.ok("pending", nil, "\(Self.count(pending.count)) in no checkpoint yet")
    }
  }

  private static func count(_ count: Int64) -> String {
    count == 1 ? "1 payment is" : "\(count) payments are"
  }
}

import Configuration
import Foundation
import IOTACrypto
import Ledger
import PaywallCore
import Setup
import Tangle

/// Compares a ledger with what the tangle says now.
struct Verification {
  /// More differences than that are counted, and not told one by one.
  static let toldLimit = 10_000
  /// Of so many payments that were not found the nodes are asked why.
  private static let askedLimit = 100
  /// How long a payment may take from its checkpoint into the ledger, in milliseconds; the broker
  /// notes once a minute that it runs.
  private static let settlingMs: Int64 = 60_000
  /// How far in the future a checkpoint cannot be, in milliseconds.
  private static let futureMs: Int64 = 600_000
  /// The end of the year 9999, in Unix milliseconds.
  private static let latestMs: Int64 = 253_402_300_799_999

  /// What came of it.
  struct Result {
    var range: LedgerComparison.Range
    var counts: LedgerComparison.Counts
    var differenceCount: Int
    var differences: [Difference]
    /// How many payments from before the range were taken as the ledger has them.
    var seedCount: Int
    /// Whether the nodes told all that they named.
    var isWhole: Bool
    var warnings: [String]
  }

  let configuration: PaywallConfiguration
  let fromMs: Int64?
  let toMs: Int64?

  /// Reads the tangle and compares.
  ///
  /// - Parameter tell: Takes each difference once it is known.
  /// - Returns: All of them, and how much was compared.
  /// - Throws: `LedgerError`, `StartError`, `TangleError` or `NetworkMismatch`.
  func run(tell: @escaping (Difference) -> Void) throws -> Result {
    let ledger = try openLedger()
    let masterKey = try secret(of: ledger)
    var reading = TangleReading(configuration.tangle)
    let nowMs = try reading.nowMs()
    let range = try range(of: ledger, nowMs: nowMs)
    let scratch = try ScratchLedger(like: ledger, masterKey, fromMs: range.fromMs)
    var isWhole = try reading.run(into: scratch, untilMs: range.toMs)
    var warnings = reading.warnings.all
    for former in try formerReadings(of: ledger) {
      var tangle = configuration.tangle
      tangle.address = former.address
      var reading = TangleReading(tangle)
      let isAllTold = try reading.run(into: scratch, untilMs: min(range.toMs, former.untilMs))
      isWhole = isWhole && isAllTold
      warnings += reading.warnings.all
    }
    scratch.close()
    var told = Told(tell: tell)
    let counts = try LedgerComparison.run(ledger, with: scratch.path, range) { told.take($0) }
    // Afterwards: the ledger is not to be held while nodes are asked.
    for (index, difference) in told.absent.enumerated() {
      told.tell(difference, index < Self.askedLimit ? absence(of: difference) : nil)
    }
    return Result(
      range: range, counts: counts, differenceCount: told.count, differences: told.differences,
      seedCount: scratch.seedCount, isWhole: isWhole, warnings: warnings)
  }

  /// Addresses that the ledger was read for before, and until when it was.
  ///
  /// Those of another network cannot be read any more; what was paid there is told as not found.
  private func formerReadings(
    of ledger: LedgerInspection
  ) throws -> [(address: Address, untilMs: Int64)] {
    try ledger.readings().compactMap { reading in
      guard reading.network == configuration.tangle.network,
        let address = Address(reading.address), address != configuration.tangle.address
      else { return nil }
      // Checkpoints may be a little ahead of when they were recorded, as clocks are.
      return (address, min(reading.updatedAtMs, Self.latestMs) + Self.settlingMs)
    }
  }

  private func openLedger() throws -> LedgerInspection {
    let ledger = try LedgerInspection(path: configuration.ledger)
    guard try ledger.schema() == LedgerInspection.currentSchema else {
      throw StartError(
        "ledger \(ledger.path) is not of this version; start the broker, which brings it up to date"
      )
    }
    try ledger.checkSchema()
    return ledger
  }

  private func secret(of ledger: LedgerInspection) throws -> MasterKey {
    let key = try MasterSecret.load(path: configuration.secretFile, mayCreate: false)
    let fingerprint = try ledger.secretFingerprint()
    guard fingerprint == nil || fingerprint == key.fingerprint else {
      throw StartError(
        "ledger \(ledger.path) belongs to another secret_file than \(configuration.secretFile); put "
          + "back the one it was made with")
    }
    return key
  }

  private func range(of ledger: LedgerInspection, nowMs: Int64) throws -> LedgerComparison.Range {
    // Neither a node's word nor a hand-written row is to overflow.
    let nowMs = min(max(nowMs, 0), Self.latestMs)
    let sinceMs = try configuration.tangle.sinceMs ?? ledger.bornAtMs() ?? 0
    let aliveMs = max(0, try ledger.aliveAtMs() ?? nowMs)
    let endMs = min(toMs ?? .max, nowMs)
    return LedgerComparison.Range(
      fromMs: max(fromMs ?? sinceMs, sinceMs), toMs: endMs,
      settledMs: min(endMs, min(nowMs, aliveMs) - Self.settlingMs),
      // A node that lags does not make the present impossible.
      impossibleMs: toMs == nil ? max(nowMs, Moment.nowMs) + Self.futureMs : nil)
  }

  /// Why a payment of the ledger was not read; nil where no node says.
  private func absence(of difference: LedgerDifference) -> Absence? {
    guard let digest = difference.payment.flatMap({ Digest($0) }) else { return .invented }
    var answers: [Absence] = []
    for probe in configuration.tangle.probes where !Interrupt.isAsked {
      let answer = try? probe.absence(
        of: digest, at: difference.checkpoint ?? -1, seller: configuration.tangle.address)
      if let answer { answers.append(answer) }
    }
    return answers.first { if case .unlisted = $0 { true } else { false } }
      ?? answers.first { $0 == .invented } ?? answers.first
  }

  /// Differences as they are found; those that the nodes have to be asked about wait.
  private struct Told {
    let tell: (Difference) -> Void
    private(set) var count = 0
    private(set) var differences: [Difference] = []
    private(set) var absent: [LedgerDifference] = []

    init(tell: @escaping (Difference) -> Void) {
      self.tell = tell
    }

    mutating func take(_ difference: LedgerDifference) {
      if difference.kind == .absent, absent.count < Verification.toldLimit {
        absent.append(difference)
      } else {
        tell(difference, nil)
      }
    }

    mutating func tell(_ difference: LedgerDifference, _ absence: Absence?) {
      count += 1
      guard differences.count < Verification.toldLimit else { return }
      let difference = Difference(difference, absence: absence)
      differences.append(difference)
      tell(difference)
    }
  }
}

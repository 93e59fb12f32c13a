import Configuration
import Foundation
import IOTACrypto
import Ledger
import PaywallCore

/// A ledger in a folder of its own, filled anew from the tangle as the broker would fill it, and
/// removed afterwards.
final class ScratchLedger {
  let path: String
  private let folder: URL
  private let ledger: Ledger
  private let offers: OfferHistory
  private let masterKey: MasterKey
  /// Payments of earlier checkpoints are taken from the other ledger, in Unix milliseconds.
  private let fromMs: Int64
  /// How many payments were taken from the other ledger.
  let seedCount: Int

  /// A ledger of the same offers, secret and beginning as another, which is only read.
  ///
  /// - Throws: `LedgerError`, or where there is no room for it.
  init(
    like other: LedgerInspection, _ masterKey: MasterKey, fromMs: Int64
  ) throws {
    self.masterKey = masterKey
    self.fromMs = fromMs
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("paywall-verify-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    path = folder.appendingPathComponent("paywall.db").path
    do {
      ledger = try Ledger(path: path, nowMs: fromMs)
      offers = try ledger.adopt(other.storedOffers())
      seedCount = try ledger.seed(from: other, beforeMs: fromMs, offers: offers)
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  /// Where reading for an address stands.
  func position(_ tangle: PaywallConfiguration.Tangle) throws -> ReadingPosition {
    try ledger.position(network: tangle.network, address: tangle.address, sinceMs: fromMs)
  }

  func isKnown(_ digest: Digest) throws -> Bool { try ledger.isKnown(digest) }

  /// Records a page as the broker does, but for what is only given beside what is bought.
  func record(_ page: PaymentPage, _ tangle: PaywallConfiguration.Tangle) throws {
    _ = try ledger.record(
      page, network: tangle.network, address: tangle.address, offers: offers,
      nowMs: Moment.nowMs, open: masterKey.open)
  }

  /// Closes the file, after which nothing more is recorded.
  func close() {
    ledger.close()
  }
}

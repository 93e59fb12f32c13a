import Foundation
import PaywallCore

/// Says how far the reading of a long history is; nothing of an ordinary look for payments.
struct ReadingProgress {
  /// How often it is said, in milliseconds.
  static let intervalMs: Int64 = 10_000
  /// An ordinary look brings less.
  private static let ordinaryCount = 100

  private var startedAtMs: Int64 = 0
  private var saidAtMs: Int64?
  private var seenCount = 0
  private var recordedCount = 0
  private var newestMs: Int64?

  /// Begins a look for payments, or goes on where the last one failed.
  mutating func begin(atMs nowMs: Int64) {
    startedAtMs = nowMs
    seenCount = 0
  }

  /// Notes that a node has named a transaction.
  ///
  /// - Returns: A line for the log, where it is time for one.
  mutating func saw(atMs nowMs: Int64) -> String? {
    seenCount += 1
    return line(atMs: nowMs)
  }

  /// Notes a page that was recorded.
  ///
  /// - Returns: A line for the log, where it is time for one.
  mutating func recorded(_ page: PaymentPage, atMs nowMs: Int64) -> String? {
    recordedCount += page.payments.count
    newestMs = page.payments.compactMap(\.checkpoint?.timeMs).max() ?? newestMs
    return line(atMs: nowMs)
  }

  /// Notes that all there is was read.
  ///
  /// - Returns: A line for the log, where there was one before.
  mutating func finish() -> String? {
    defer { self = ReadingProgress() }
    return saidAtMs == nil ? nil : "reading history: done, \(recordedText)"
  }

  private mutating func line(atMs nowMs: Int64) -> String? {
    guard nowMs - max(startedAtMs, saidAtMs ?? .min) >= Self.intervalMs,
      max(seenCount, recordedCount) > Self.ordinaryCount
    else { return nil }
    saidAtMs = nowMs
    return "reading history: "
      + (recordedCount > 0 ? recordedText : "\(Self.grouped(seenCount)) transactions found")
  }

  private var recordedText: String {
    let count = "\(Self.grouped(recordedCount)) payments"
    return newestMs.map { "\(count), up to \(Self.time($0))" } ?? count
  }

  /// Three digits at a time: `12 000`.
  private static func grouped(_ count: Int) -> String {
    let digits = String(count)
    return String(
      digits.enumerated().flatMap { index, digit in
        index > 0 && (digits.count - index).isMultiple(of: 3) ? [" ", digit] : [digit]
      })
  }

  private static func time(_ timeMs: Int64) -> String {
    Date(timeIntervalSince1970: Double(timeMs / 1000)).formatted(.iso8601)
  }
}

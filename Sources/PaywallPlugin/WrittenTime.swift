import Foundation

/// Times as people and programs read them: RFC 3339 in UTC, with milliseconds.
enum WrittenTime {
  /// The last millisecond of the year 9999, which is the last that RFC 3339 can write; only a ledger
  /// edited by hand, or a very large payment, leads there.
  private static let lastMs: Int64 = 253_402_300_799_999

  /// Unix milliseconds in words; what lies beyond the calendar is the end of it.
  static func describe(_ timeMs: Int64) -> String {
    let shownMs = min(max(timeMs, 0), lastMs)
    // Foundation cuts fractions off that a Double holds a little too small: half of them.
    let seconds = Date(timeIntervalSince1970: Double(shownMs / 1000)).formatted(.iso8601)
    return seconds.dropLast() + ".\(String(shownMs % 1000 + 1000).dropFirst())Z"
  }
}

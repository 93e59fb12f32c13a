import Foundation

/// A moment as people and programs read it.
enum Moment {
  /// The last second of the year 9999, the last that RFC 3339 can write, in Unix milliseconds.
  private static let lastMs: Int64 = 253_402_300_799_000

  /// Now by this machine's clock, in Unix milliseconds.
  static var nowMs: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// RFC 3339 in UTC; what lies after the year 9999 is the end of it.
  ///
  /// In integers, so that every millisecond is written as it is.
  static func describe(ms: Int64) -> String {
    let clampedMs = min(max(ms, 0), lastMs)
    let (day, ms) = clampedMs.quotientAndRemainder(dividingBy: CalendarDay.lengthMs)
    let time = [ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60].map {
      CalendarDay.padded($0, 2)
    }.joined(separator: ":")
    return "\(CalendarDay(number: day))T\(time).\(CalendarDay.padded(ms % 1000, 3))Z"
  }

  /// The same to the second, for tables.
  static func second(ms: Int64) -> String {
    toSecond(describe(ms: ms))
  }

  /// What `describe` has written, without milliseconds.
  static func toSecond(_ time: String) -> String {
    "\(time.dropLast(5))Z"
  }

  /// Reads RFC 3339, with or without fractions of a second, as Unix milliseconds.
  static func parseMs(_ text: String) -> Int64? {
    let date =
      (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
      ?? (try? Date(text, strategy: .iso8601))
    return date.flatMap { Int64(exactly: ($0.timeIntervalSince1970 * 1000).rounded()) }
  }
}

/// A day of the calendar that everybody uses, in UTC.
///
/// Source: https://howardhinnant.github.io/date_algorithms.html
struct CalendarDay: Hashable, CustomStringConvertible {
  /// A day in milliseconds.
  static let lengthMs: Int64 = 86_400_000

  let year: Int64
  /// 1 to 12.
  let month: Int64
  /// 1 to 31.
  let day: Int64

  /// The day of a number since 1970-01-01; not before that day.
  init(number: Int64) {
    let shifted = max(0, min(number, Self.lastNumber)) + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthOfYear = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthOfYear + 2) / 5 + 1
    month = monthOfYear < 10 ? monthOfYear + 3 : monthOfYear - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// The last day of the year 9999.
  static let lastNumber: Int64 = 2_932_896

  /// `2026-11-26`.
  var description: String {
    "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
  }

  /// A number with zeros before it.
  static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

/// What a sum is of.
enum RevenueKey: Hashable, Sendable {
  /// Days are numbered since 1970-01-01, weeks by their Monday, months since year 0.
  case day(Int64), week(Int64), month(Int64)
  /// Nil: what is unclaimed.
  case offer(String?)

  /// What a day belongs to.
  init(day: Int64, by grouping: RevenueCommand.Grouping) {
    switch grouping {
    case .day: self = .day(day)
    // 1970-01-01 was a Thursday.
    case .week: self = .week(day - (day + 3) % 7)
    case .month:
      let date = CalendarDay(number: day)
      self = .month(date.year * 12 + date.month - 1)
    case .offer: self = .offer(nil)
    }
  }

  /// The day, week or month after it; nil where there is no such order.
  var next: RevenueKey? {
    switch self {
    case .day(let day): .day(day + 1)
    case .week(let monday): .week(monday + 7)
    case .month(let month): .month(month + 1)
    case .offer: nil
    }
  }

  /// `2026-11-26`, `2026-W48`, `2026-11`, or the offer's name.
  var label: String {
    switch self {
    case .day(let day): return CalendarDay(number: day).description
    case .week(let monday):
      // A week belongs to the year of its Thursday.
      let thursday = monday + 3
      let year = CalendarDay(number: thursday).year
      var first = thursday
      while first >= 7, CalendarDay(number: first - 7).year == year { first -= 7 }
      return "\(CalendarDay.padded(year, 4))-W\(CalendarDay.padded((thursday - first) / 7 + 1, 2))"
    case .month(let month):
      return "\(CalendarDay.padded(month / 12, 4))-\(CalendarDay.padded(month % 12 + 1, 2))"
    case .offer(let name): return name.map { ShownText.line($0) } ?? "(unclaimed)"
    }
  }

  /// The offer's name as it is.
  var offerName: String? {
    if case .offer(let name) = self { name } else { nil }
  }
}

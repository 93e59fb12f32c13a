/// Moments as RFC 3339 writes them.
enum RFC3339 {
  /// The moment in Unix milliseconds, finer parts cut off; nil for anything but a date and time
  /// with `Z` or an offset, from 1970 to 9999.
  ///
  /// Source: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
  static func milliseconds(_ text: String) -> Int64? {
    var rest = text.utf8[...]
    guard let year = rest.number(4), rest.skip("-"), let month = rest.number(2), rest.skip("-"),
      let day = rest.number(2), rest.skip("T") || rest.skip("t"), let hour = rest.number(2),
      rest.skip(":"), let minute = rest.number(2), rest.skip(":"), let second = rest.number(2),
      let fractionMs = rest.fractionMs(), let offsetMs = rest.offsetMs(), rest.isEmpty,
      (1...12).contains(month), (1...length(ofMonth: month, year)).contains(day), hour < 24,
      minute < 60, second <= 60
    else { return nil }
    let days = daysSince1970(year, month, day)
    let moment = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fractionMs - offsetMs
    return moment >= 0 ? moment : nil
  }

  private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Counted in years that begin with March, so that a leap day is the last.
  private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let years = month > 2 ? year : year - 1
    let months = (month + 9) % 12
    return years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day
      - 719_469
  }
}

extension Substring.UTF8View {
  fileprivate mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard first == UInt8(ascii: character) else { return false }
    removeFirst()
    return true
  }

  /// A number of so many digits.
  fileprivate mutating func number(_ count: Int) -> Int64? {
    let digits = prefix(count)
    guard digits.count == count, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    removeFirst(count)
    return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
  }

  /// Milliseconds after a point; 0 where there is none.
  fileprivate mutating func fractionMs() -> Int64? {
    guard skip(".") else { return 0 }
    let digits = prefix { (48...57).contains($0) }
    guard !digits.isEmpty else { return nil }
    removeFirst(digits.count)
    let first = digits.prefix(3)
    return (0..<3).reduce(0) { sum, index in
      sum * 10 + (first.dropFirst(index).first.map { Int64($0 - 48) } ?? 0)
    }
  }

  fileprivate mutating func offsetMs() -> Int64? {
    if skip("Z") || skip("z") { return 0 }
    let sign: Int64 = first == UInt8(ascii: "-") ? -1 : 1
    guard skip("+") || skip("-"), let hours = number(2), skip(":"), let minutes = number(2),
      hours < 24, minutes < 60
    else { return nil }
    return sign * (hours * 60 + minutes) * 60_000
  }
}

/// The Retry-After field, in seconds or as a date.
///
/// Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
enum RetryAfter {
  /// The seconds to wait, at most a day; a date is measured from the answer's own Date field.
  static func seconds(in response: HTTPResponse) -> Int? {
    guard let value = response.header("retry-after") else { return nil }
    if let seconds = Int(value) { return min(max(0, seconds), 86_400) }
    guard let date = unixSeconds(value), let now = response.header("date").flatMap(unixSeconds)
    else { return nil }
    return min(max(0, date - now), 86_400)
  }

  /// The Unix time of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func unixSeconds(_ date: String) -> Int? {
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    let fields = date.split(separator: " ")
    guard fields.count == 6, fields[5] == "GMT", fields[2].utf8.count == 3,
      let day = Int(fields[1]), (1...31).contains(day),
      let place = months.firstRange(of: fields[2])?.lowerBound,
      let year = Int(fields[3]), (1970...9999).contains(year)
    else { return nil }
    let month = months.distance(from: months.startIndex, to: place) / 3 + 1
    let clock = fields[4].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3, clock.allSatisfy({ (0...60).contains($0) }) else { return nil }
    // Days from civil date, years counted from March so that leap days come last.
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    return days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
  }
}

/// Spans of time as people write them: a whole number and a unit.
public enum Period {
  private static let units: [(unit: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ("w", 604_800_000),
  ]

  /// Reads `500ms`, `1s`, `2m`, `1h`, `30d` or `4w` as milliseconds.
  ///
  /// - Returns: More than zero milliseconds; nil where the text is no such span or too long.
  public static func parseMs(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let count = Int64(digits), count > 0,
      let milliseconds = units.first(where: { $0.unit == unit })?.milliseconds
    else { return nil }
    let (result, overflow) = count.multipliedReportingOverflow(by: milliseconds)
    return overflow ? nil : result
  }

  /// The span in the largest unit that divides it: `1h`, `90s`, `1500ms`.
  public static func describe(ms: Int64) -> String {
    let fitting = units.last { $0.unit != "min" && ms.isMultiple(of: $0.milliseconds) }
    guard ms != 0, let fitting else { return "\(ms)ms" }
    return "\(ms / fitting.milliseconds)\(fitting.unit)"
  }
}

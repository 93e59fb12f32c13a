import ArgumentParser
import PaywallCore

/// From when to when.
struct TimeRange: ParsableArguments {
  private static let forms =
    "A day as 2026-11-01 (its beginning, UTC), a time as "
    + "2026-11-01T12:00:00Z, or how long ago, as 7d"

  @Option(
    help: ArgumentHelp("From this time on. \(forms).", valueName: "time"),
    transform: TimeRange.parseMs)
  var from: Int64?

  @Option(
    help: ArgumentHelp("Before this time, written likewise.", valueName: "time"),
    transform: TimeRange.parseMs)
  var to: Int64?

  func validate() throws {
    if let from, let to, from >= to { throw ValidationError("--from has to be before --to.") }
  }

  /// Reads a time in one of the forms, as Unix milliseconds.
  @Sendable static func parseMs(_ text: String) throws -> Int64 {
    if let timeMs = Moment.parseMs(text) ?? Moment.parseMs(text + "T00:00:00Z") { return timeMs }
    guard let agoMs = Period.parseMs(text) else {
      throw ValidationError("'\(text)' is no time. \(forms).")
    }
    return Moment.nowMs.subtractingReportingOverflow(agoMs).partialValue
  }
}

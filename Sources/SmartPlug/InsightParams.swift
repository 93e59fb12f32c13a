internal import HTTP

/// The values of an Insight that this project uses, out of the fields of InsightParams.
///
/// The fields are separated by `|`: state, last change, seconds on for, on today, on in total,
/// window, average power in W, **power in mW**, energy today and in total in mW·min, standby
/// threshold in mW. The last one is missing in some answers; later firmware may add more.
struct InsightParams: Equatable {
  var state: PowerSample.State
  var milliwatts: Int

  private static let minimumFields = 10

  /// Why a text is not taken.
  struct Failure: Error, Equatable {
    let kind: PlugError.Kind
    let reason: String
  }

  /// Reads the text of an InsightParams element.
  init(_ text: String) throws(Failure) {
    let fields = text.split(separator: "|", omittingEmptySubsequences: false).map(Self.trimmed)
    guard fields.count >= Self.minimumFields else {
      throw Failure(
        kind: .unreadable,
        reason: "InsightParams \"\(Self.shown(text))\" has \(fields.count) fields instead of 11")
    }
    guard let state = Self.states[fields[0]], fields.allSatisfy({ Decimal($0) != nil }) else {
      throw Failure(
        kind: .unreadable,
        reason: "InsightParams \"\(Self.shown(text))\" holds something that is no number, "
          + "or a state other than 0, 1 and 8")
    }
    guard let power = Decimal(fields[7])?.rounded, (0...PowerSample.maximumMilliwatts) ~= power
    else {
      throw Failure(
        kind: .implausible,
        reason: "a power of \"\(Self.shown(fields[7]))\" mW cannot be, "
          + "it must be 0 to \(PowerSample.maximumMilliwatts)")
    }
    self.state = state
    // For a second or so after it was switched off, a plug goes on to report the old power.
    milliwatts = state == .off ? 0 : power
  }

  private static let states: [String: PowerSample.State] = ["0": .off, "1": .on, "8": .standby]

  private static func trimmed(_ field: Substring) -> String {
    let start = field.drop { $0.isWhitespace }
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }

  private static func shown(_ text: String) -> String { SafeText.line(text, maximumCount: 120) }
}

/// A decimal number as plugs write it: `41400`, `99830512.000000`, `-57`.
///
/// No `nan`, no exponent.
private struct Decimal {
  /// To the nearest integer, halves away from zero; nil when it does not fit.
  let rounded: Int?

  init?(_ text: some StringProtocol) {
    let isNegative = text.hasPrefix("-")
    let parts = text.dropFirst(isNegative ? 1 : 0).split(
      separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let areDigits = parts.allSatisfy { part in
      !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
    }
    guard areDigits, let whole = parts.first else { return nil }
    let roundsUp = parts.count == 2 && (parts[1].utf8.first ?? 0) >= UInt8(ascii: "5")
    rounded = Int(whole).flatMap { number in
      let (sum, overflows) = number.addingReportingOverflow(roundsUp ? 1 : 0)
      return overflows ? nil : isNegative ? -sum : sum
    }
  }
}

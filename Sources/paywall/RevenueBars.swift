import ArgumentParser
import Ledger
import PaywallCore

/// What a chart of revenue shows: a bar for each day, week, month or offer, also for those without
/// payments in between, and an axis that begins at 0.
struct RevenueBars {
  /// A bar.
  struct Bar: Hashable {
    var label: String
    var nanos: UInt128
  }

  /// More bars would be no chart.
  static let limit = 400

  let bars: [Bar]
  /// Between two marks of the axis: 1, 2 or 5 times a power of ten of NANOS.
  let stepNanos: UInt128
  /// How many steps the axis has.
  let stepCount: Int

  /// Throws a sentence that says what to ask for instead of too many bars.
  init(_ revenue: [Revenue<RevenueKey>], by grouping: RevenueCommand.Grouping) throws {
    var bars: [Bar] = []
    var expected: RevenueKey?
    for entry in revenue {
      while let missing = expected, missing != entry.key, bars.count <= Self.limit {
        bars.append(Bar(label: missing.label, nanos: 0))
        expected = missing.next
      }
      bars.append(Bar(label: entry.key.label, nanos: entry.nanos))
      expected = entry.key.next
      guard bars.count <= Self.limit else {
        throw ValidationError(
          "A chart has room for \(Self.limit) bars, and there are more "
            + "\(grouping.rawValue)s; name a time with --from, or draw longer ones with --by.")
      }
    }
    self.init(bars)
  }

  /// Bars with an axis of at most five steps.
  init(_ bars: [Bar]) {
    self.bars = bars
    let most = max(1, bars.map(\.nanos).max() ?? 1)
    stepNanos = Self.step(for: most)
    stepCount = Int((most + stepNanos - 1) / stepNanos)
  }

  /// Where the axis ends.
  var endNanos: UInt128 { stepNanos * UInt128(stepCount) }

  /// The mark at a step, in IOTA.
  func mark(_ step: Int) -> String { Amount.iota(stepNanos * UInt128(step)) }

  /// The smallest step of which five reach an amount.
  private static func step(for nanos: UInt128) -> UInt128 {
    var power: UInt128 = 1
    while true {
      for factor: UInt128 in [1, 2, 5] where factor * power * 5 >= nanos { return factor * power }
      let (next, overflow) = power.multipliedReportingOverflow(by: 10)
      // Beyond all sums of 64 bits there can be.
      guard !overflow, next < UInt128.max / 1000 else { return nanos }
      power = next
    }
  }
}

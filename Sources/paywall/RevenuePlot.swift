/// A bar chart for a terminal: a line for each bar, and an axis in IOTA below them.
struct RevenuePlot {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
  private static let narrowest = 10

  let chart: RevenueBars

  init(_ chart: RevenueBars) {
    self.chart = chart
  }

  /// The lines, none wider than the terminal, unless that is too narrow for any chart.
  func lines(width: Int) -> [String] {
    guard !chart.bars.isEmpty else { return ["Nothing came in."] }
    let values = ShownText.iota(chart.bars.map(\.nanos))
    let valueWidth = values.map(TextWidth.of).max() ?? 0
    let labelWidth = min(
      chart.bars.map { TextWidth.of($0.label) }.max() ?? 0, max(8, width / 4))
    // Labels, " │", bars, " ", values.
    let room = max(Self.narrowest, width - labelWidth - valueWidth - 3)
    let lines = zip(chart.bars, values).map { bar, value in
      padded(TextWidth.shortened(bar.label, to: labelWidth), to: labelWidth) + " │"
        + padded(self.bar(bar.nanos, width: room), to: room) + " "
        + String(repeating: " ", count: valueWidth - TextWidth.of(value)) + value
    }
    return lines + axis(indent: labelWidth + 1, width: room)
  }

  /// Blocks to an eighth of a column; what is not nothing is seen, be it ever so little.
  private func bar(_ nanos: UInt128, width: Int) -> String {
    let count = nanos * UInt128(width * 8) / chart.endNanos
    let eighths = nanos > 0 ? max(1, Int(count)) : 0
    return String(repeating: "█", count: eighths / 8) + Self.eighths[eighths % 8]
  }

  /// A line with the marks that have room, and their values in IOTA below it.
  private func axis(indent: Int, width: Int) -> [String] {
    var line = Array(repeating: "─", count: width)
    var labels = ""
    let unit = " IOTA"
    for step in 0...chart.stepCount {
      let place = step == 0 ? 0 : width * step / chart.stepCount
      let label = step == 0 ? "0" : chart.mark(step)
      let isLast = step == chart.stepCount
      // The last one stands at the end, with the unit.
      let text = isLast ? label + unit : label
      let start = isLast ? place - text.count + 1 : max(0, place - label.count / 2)
      if place > 0 { line[place - 1] = isLast ? "┤" : "┴" }
      guard start > labels.count || step == 0 else { continue }
      let reserved = isLast ? 0 : chart.mark(chart.stepCount).count + unit.count + 1
      guard isLast || step == 0 || start + text.count < width - reserved else { continue }
      labels += String(repeating: " ", count: max(0, start - labels.count)) + text
    }
    let space = String(repeating: " ", count: indent)
    return [space + "└" + line.joined(), space + labels]
  }

  private func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - TextWidth.of(text)))
  }
}

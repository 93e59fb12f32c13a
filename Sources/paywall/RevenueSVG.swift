/// A bar chart as an SVG document of its own, readable on light and dark backgrounds.
struct RevenueSVG {
  private static let size = (width: 960.0, height: 480.0)
  private static let margin = (left: 110.0, right: 24.0, top: 56.0, bottom: 110.0)
  /// How many labels have room below the bars.
  private static let labelLimit = 32

  let chart: RevenueBars
  let title: String

  init(_ chart: RevenueBars, title: String) {
    self.chart = chart
    self.title = title
  }

  private var plot: (width: Double, height: Double) {
    (
      Self.size.width - Self.margin.left - Self.margin.right,
      Self.size.height - Self.margin.top - Self.margin.bottom
    )
  }

  /// The document: XML 1.0 in UTF-8.
  var document: String {
    let (width, height) = (Self.number(Self.size.width), Self.number(Self.size.height))
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" role="img" aria-labelledby="title">
      <title id="title">\(Self.escaped(title))</title>
      <style>
      .ground { fill: #ffffff } .bar { fill: #0b6e6e } text { fill: #1f2328 }
      .axis { stroke: #59636e } .grid { stroke: #d1d9e0 }
      text { font: 13px system-ui, sans-serif } .title { font-size: 18px; font-weight: 600 }
      @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117 } .bar { fill: #4fc3c3 } text { fill: #e6edf3 }
      .axis { stroke: #9198a1 } .grid { stroke: #30363d }
      }
      </style>
      <rect class="ground" width="100%" height="100%"/>
      <text class="title" x="\(Self.number(Self.margin.left))" y="32">\(Self.escaped(title))</text>
      \((marks + bars + labels).joined(separator: "\n"))
      <path class="axis" fill="none" d="M\(Self.number(Self.margin.left)) \
      \(Self.number(Self.margin.top))V\(Self.number(base))H\(Self.number(end))"/>
      </svg>

      """
  }

  private var base: Double { Self.size.height - Self.margin.bottom }
  private var end: Double { Self.size.width - Self.margin.right }

  /// Lines across at the steps of the axis, with their values, and the unit beside them.
  private var marks: [String] {
    let left = Self.margin.left
    let unit = """
      <text x="24" y="\(Self.number(Self.margin.top + plot.height / 2))" text-anchor="middle" \
      transform="rotate(-90 24 \(Self.number(Self.margin.top + plot.height / 2)))">IOTA</text>
      """
    return [unit]
      + (0...chart.stepCount).map { step in
        let y = base - plot.height * Double(step) / Double(chart.stepCount)
        return """
          <path class="grid" d="M\(Self.number(left)) \(Self.number(y))H\(Self.number(end))"/>\
          <text x="\(Self.number(left - 8))" y="\(Self.number(y + 4))" text-anchor="end">\
          \(chart.mark(step))</text>
          """
      }
  }

  private var slot: Double { plot.width / Double(max(1, chart.bars.count)) }

  private var bars: [String] {
    chart.bars.enumerated().map { index, bar in
      let height = plot.height * Double(bar.nanos) / Double(chart.endNanos)
      let width = min(slot * 0.8, 80)
      let x = center(index) - width / 2
      let amount = RevenueBars.Bar(label: bar.label, nanos: bar.nanos).described
      return """
        <rect class="bar" x="\(Self.number(x))" y="\(Self.number(base - height))" \
        width="\(Self.number(width))" height="\(Self.number(height))">\
        <title>\(Self.escaped(amount))</title></rect>
        """
    }
  }

  /// A label below each bar, or below every second, third… where there is no room for more.
  private var labels: [String] {
    let stride = (chart.bars.count + Self.labelLimit - 1) / Self.labelLimit
    return chart.bars.enumerated().filter { $0.offset.isMultiple(of: max(1, stride)) }
      .map { index, bar in
        let (x, y) = (Self.number(center(index) + 4), Self.number(base + 18))
        let label = TextWidth.shortened(bar.label, to: 16)
        return """
          <text x="\(x)" y="\(y)" text-anchor="end" transform="rotate(-45 \(x) \(y))">\
          \(Self.escaped(label))</text>
          """
      }
  }

  private func center(_ index: Int) -> Double {
    Self.margin.left + slot * (Double(index) + 0.5)
  }

  /// A coordinate to a hundredth.
  private static func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
    guard rest != 0 else { return "\(whole)" }
    return "\(hundredths < 0 ? "-" : "")\(whole.magnitude)."
      + (rest.magnitude < 10 ? "0" : "") + "\(rest.magnitude)"
  }

  /// Text within XML, without the characters that XML cannot hold
  /// (https://www.w3.org/TR/xml/#charsets).
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\u{9}", "\u{A}", "\u{D}", "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}",
        "\u{10000}"..."\u{10FFFF}":
        escaped.unicodeScalars.append(scalar)
      default: escaped += "\u{FFFD}"
      }
    }
    return escaped
  }
}

extension RevenueBars.Bar {
  /// `2026-11-26: 0.5 IOTA`.
  fileprivate var described: String { "\(label): \(ShownText.iota([nanos])[0]) IOTA" }
}

/// A table for a terminal, which fits its width.
struct TextTable {
  /// A column.
  struct Column {
    /// What stands above it.
    var title: String
    /// Numbers stand at the right, and are never shortened.
    var isNumber = false
    /// How narrow it may become where the terminal is; nil: it is never shortened.
    var leastWidth: Int?

    /// A column of texts, or of numbers.
    init(_ title: String, isNumber: Bool = false, leastWidth: Int? = nil) {
      self.title = title
      self.isNumber = isNumber
      self.leastWidth = leastWidth
    }
  }

  private static let gap = "  "

  let columns: [Column]
  private(set) var rows: [[String]] = []

  /// A table without rows.
  init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Adds a row, a text for each column.
  mutating func add(_ row: [String]) {
    rows.append(row)
  }

  /// The lines, titles first.
  ///
  /// - Parameter width: How many columns the terminal has; what does not fit is cut off, marked by
  ///   `…`, the widest texts first.
  /// - Returns: The lines, without spaces at their ends.
  func lines(width: Int) -> [String] {
    let widths = fittingWidths(width)
    return ([columns.map(\.title)] + rows).map { row in
      let cells = columns.indices.map { index in
        Self.cell(index < row.count ? row[index] : "", columns[index], widths[index])
      }
      let line = cells.joined(separator: Self.gap)
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  private func fittingWidths(_ width: Int) -> [Int] {
    var widths = columns.indices.map { index in
      rows.reduce(TextWidth.of(columns[index].title)) { widest, row in
        max(widest, index < row.count ? TextWidth.of(row[index]) : 0)
      }
    }
    var excess = widths.reduce(Self.gap.count * (columns.count - 1), +) - width
    while excess > 0 {
      let shortenable = columns.indices.filter { index in
        columns[index].leastWidth.map { widths[index] > max(1, $0) } ?? false
      }
      guard let widest = shortenable.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }

  private static func cell(_ text: String, _ column: Column, _ width: Int) -> String {
    let text = TextWidth.shortened(text, to: width)
    let space = String(repeating: " ", count: max(0, width - TextWidth.of(text)))
    return column.isNumber ? space + text : text + space
  }
}

/// How many columns of a terminal texts take.
enum TextWidth {
  /// What takes two columns, roughly: https://www.unicode.org/reports/tr11/.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
    0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
    0x1F900...0x1F9FF, 0x20000...0x3FFFD,
  ]

  /// The columns that a text takes.
  static func of(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + of($1) }
  }

  /// The text, or where it is wider its beginning and `…`.
  static func shortened(_ text: String, to width: Int) -> String {
    guard of(text) > width else { return text }
    var shortened = String.UnicodeScalarView()
    var used = 1
    for scalar in text.unicodeScalars {
      used += of(scalar)
      guard used <= width else { break }
      shortened.append(scalar)
    }
    return String(shortened) + "…"
  }

  private static func of(_ scalar: Unicode.Scalar) -> Int {
    guard !scalar.isASCII else { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
  }
}

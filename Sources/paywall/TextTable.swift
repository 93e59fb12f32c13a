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

  /// Adds a row, a text for each column; what is beyond the columns is left out.
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

/// A table of a TOML file, and which of its keys were asked for: the others are mistakes.
///
/// Reading a key twice is fine. After the last one, `finish()` names what nobody asked for.
public final class TOMLTable {
  struct Entry {
    var key: String
    var line: Int
    var value: TOMLValue
  }

  /// The file, for errors.
  public let path: String
  /// Where the table begins; nil for the whole file.
  public let line: Int?
  private let name: String
  private let entries: [Entry]
  private var known: Set<String> = []

  init(path: String, name: String, line: Int?, entries: [Entry]) {
    self.path = path
    self.name = name
    self.line = line
    self.entries = entries
  }

  /// An error about a key, with the key's line where it is there.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - reason: What is wrong, and what to write instead.
  /// - Returns: The error, to be thrown.
  public func error(_ key: String, _ reason: String) -> TOMLError {
    let line = entries.first { $0.key == key }?.line ?? line
    return TOMLError(path: path, line: line, reason: "\(fullName(key)): \(reason)")
  }

  /// The text of a key; nil where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no string.
  public func string(_ key: String) throws(TOMLError) -> String? {
    guard let value = take(key) else { return nil }
    guard case .string(let text) = value.content else {
      throw error(key, "expected a string in quotes")
    }
    return text
  }

  /// The text of a key that has to be there.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - example: What could stand there, for the error.
  /// - Returns: The text.
  /// - Throws: `TOMLError` where it is missing or no string.
  public func requiredString(_ key: String, example: String) throws(TOMLError) -> String {
    guard let text = try string(key) else {
      throw error(key, "is missing; add a line such as \(key) = \"\(example)\"")
    }
    return text
  }

  /// The texts of a key; none where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no array of strings.
  public func strings(_ key: String) throws(TOMLError) -> [String] {
    guard let value = take(key) else { return [] }
    guard case .array(let values) = value.content else {
      throw error(key, "expected a list of strings, such as [\"a\", \"b\"]")
    }
    var texts: [String] = []
    for value in values {
      guard case .string(let text) = value.content else {
        throw TOMLError(
          path: path, line: value.line, reason: "\(fullName(key)): expected a string in quotes")
      }
      texts.append(text)
    }
    return texts
  }

  /// The number of a key; nil where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no whole number of the range.
  public func integer(_ key: String, in range: ClosedRange<Int64>) throws(TOMLError) -> Int64? {
    guard let value = take(key) else { return nil }
    guard case .integer(let number) = value.content, range.contains(number) else {
      let limits = "\(range.lowerBound) to \(range.upperBound)"
      throw error(key, "expected a whole number from \(limits)")
    }
    return number
  }

  /// The number of a key, whole or not; nil where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no number of the range.
  public func number(_ key: String, in range: ClosedRange<Double>) throws(TOMLError) -> Double? {
    guard let value = take(key) else { return nil }
    guard let number = Self.number(value), range.contains(number) else {
      throw error(key, "expected a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The numbers of a key; none where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no array of numbers of the range.
  public func numbers(_ key: String, in range: ClosedRange<Double>) throws(TOMLError) -> [Double] {
    guard let value = take(key) else { return [] }
    guard case .array(let values) = value.content else {
      throw error(key, "expected a list of numbers, such as [40, 60.5]")
    }
    let numbers = values.compactMap(Self.number).filter { range.contains($0) }
    guard numbers.count == values.count else {
      throw error(key, "expected numbers from \(range.lowerBound) to \(range.upperBound) only")
    }
    return numbers
  }

  private static func number(_ value: TOMLValue) -> Double? {
    switch value.content {
    case .integer(let number): Double(number)
    case .float(let number): number
    default: nil
    }
  }

  /// The truth of a key; nil where it is missing.
  ///
  /// - Throws: `TOMLError` where it is neither true nor false.
  public func boolean(_ key: String) throws(TOMLError) -> Bool? {
    guard let value = take(key) else { return nil }
    guard case .boolean(let truth) = value.content else {
      throw error(key, "expected true or false")
    }
    return truth
  }

  /// The moment of a key, in Unix milliseconds; nil where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no date and time with an offset.
  public func momentMs(_ key: String) throws(TOMLError) -> Int64? {
    guard let value = take(key) else { return nil }
    guard case .moment(let timeMs) = value.content else {
      throw error(key, "expected a date and time with a zone, such as 2026-11-01T00:00:00Z")
    }
    return timeMs
  }

  /// The table of a key; nil where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no table.
  public func table(_ key: String) throws(TOMLError) -> TOMLTable? {
    guard let value = take(key) else { return nil }
    guard case .table(let table) = value.content else {
      throw error(key, "expected a table; begin it with a line [\(fullName(key))]")
    }
    return table
  }

  /// The tables of a key, as `[[key]]` writes them; none where it is missing.
  ///
  /// - Throws: `TOMLError` where it is no list of tables.
  public func tables(_ key: String) throws(TOMLError) -> [TOMLTable] {
    guard let value = take(key) else { return [] }
    guard case .array(let values) = value.content else {
      throw error(key, "expected a list of tables; begin each with a line [[\(fullName(key))]]")
    }
    var tables: [TOMLTable] = []
    for value in values {
      guard case .table(let table) = value.content else {
        throw error(key, "expected a list of tables; begin each with a line [[\(fullName(key))]]")
      }
      tables.append(table)
    }
    return tables
  }

  /// Ends the reading.
  ///
  /// - Throws: `TOMLError` where the table holds a key that was not asked for.
  public func finish() throws(TOMLError) {
    let unknown = entries.filter { !known.contains($0.key) }
    guard let entry = unknown.min(by: { $0.line < $1.line }) else { return }
    let names = known.sorted().joined(separator: ", ")
    throw TOMLError(
      path: path, line: entry.line,
      reason: "\(fullName(entry.key)): unknown key; known here are \(names)")
  }

  private func take(_ key: String) -> TOMLValue? {
    known.insert(key)
    return entries.first { $0.key == key }?.value
  }

  private func fullName(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
}

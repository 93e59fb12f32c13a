import CTOMLPlusPlus

/// Why a configuration file cannot be used: one sentence, with file and line.
public struct TOMLError: Error, Hashable, CustomStringConvertible {
  /// The file.
  public var path: String
  /// The line, from 1; nil where no line is to blame.
  public var line: Int?
  /// What is wrong, and what to write instead.
  public var reason: String

  /// An error of the given parts.
  public init(path: String, line: Int?, reason: String) {
    self.path = path
    self.line = line
    self.reason = reason
  }

  /// `FILE:LINE: REASON`.
  public var description: String {
    line.map { "\(path):\($0): \(reason)" } ?? "\(path): \(reason)"
  }
}

/// A value in a TOML file, with its place.
public struct TOMLValue {
  /// What a value is.
  public indirect enum Content {
    case table(TOMLTable)
    case array([TOMLValue])
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    /// A date and time with offset, in Unix milliseconds.
    case moment(Int64)
    /// A date or a time that is no moment, for lack of an offset.
    case other
  }

  /// What it is.
  public var content: Content
  /// Where it begins, from 1.
  public var line: Int
}

/// Reads TOML v1.0.0 (https://toml.io/en/v1.0.0) through toml++.
public enum TOMLDocument {
  /// Reads a document.
  ///
  /// - Parameters:
  ///   - text: The document, UTF-8.
  ///   - path: The file it comes from, for errors.
  /// - Returns: The document's root table.
  /// - Throws: `TOMLError` with the line of a syntax error.
  public static func parse(_ text: String, path: String) throws(TOMLError) -> TOMLTable {
    try checkLines(text, path: path)
    var text = text
    let parsed = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        toml_document_parse($0.baseAddress, $0.count)
      }
    }
    guard let parsed else { throw TOMLError(path: path, line: nil, reason: "out of memory") }
    defer { toml_document_free(parsed) }

    var line: UInt32 = 0
    if let reason = toml_document_error(parsed, &line) {
      throw TOMLError(
        path: path, line: line == 0 ? nil : Int(line), reason: String(cString: reason))
    }
    guard let root = toml_document_root(parsed) else {
      throw TOMLError(path: path, line: nil, reason: "out of memory")
    }
    return table(root, path: path, name: "", line: nil)
  }

  /// Refuses lines that no person writes.
  ///
  /// toml++ limits the depth of values, but not of keys: `a.a.a.…` makes tables in tables, and what
  /// walks them recursively needs a stack.
  private static func checkLines(_ text: String, path: String) throws(TOMLError) {
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.count > lineLimitBytes {
      throw TOMLError(
        path: path, line: index + 1, reason: "the line is longer than \(lineLimitBytes) bytes")
    }
  }

  private static let lineLimitBytes = 4096

  private static func table(
    _ node: OpaquePointer, path: String, name: String, line: Int?
  ) -> TOMLTable {
    var entries: [TOMLTable.Entry] = []
    for index in 0..<toml_node_count(node) {
      var length = 0
      var line: UInt32 = 0
      guard let child = toml_node_at(node, index),
        let bytes = toml_node_key(node, index, &length, &line)
      else { continue }
      let key = text(bytes, length)
      let name = name.isEmpty ? key : "\(name).\(key)"
      let value = value(child, path: path, name: name)
      entries.append(TOMLTable.Entry(key: key, line: Int(line), value: value))
    }
    return TOMLTable(path: path, name: name, line: line, entries: entries)
  }

  private static func value(_ node: OpaquePointer, path: String, name: String) -> TOMLValue {
    let line = Int(toml_node_line(node))
    let content: TOMLValue.Content
    switch toml_node_kind(node) {
    case TOML_KIND_TABLE:
      content = .table(table(node, path: path, name: name, line: line))
    case TOML_KIND_ARRAY:
      content = .array(
        (0..<toml_node_count(node)).compactMap { index in
          toml_node_at(node, index).map { value($0, path: path, name: name) }
        })
    case TOML_KIND_STRING:
      var length = 0
      content = .string(toml_node_string(node, &length).map { text($0, length) } ?? "")
    case TOML_KIND_INTEGER: content = .integer(toml_node_integer(node))
    case TOML_KIND_FLOAT: content = .float(toml_node_float(node))
    case TOML_KIND_BOOLEAN: content = .boolean(toml_node_boolean(node))
    case TOML_KIND_MOMENT: content = .moment(toml_node_moment_ms(node))
    default: content = .other
    }
    return TOMLValue(content: content, line: line)
  }

  private static func text(_ bytes: UnsafePointer<CChar>, _ length: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
  }
}

import CSQLite
import GRDB

/// A prepared statement of a connection, bound and read by position.
///
/// GRDB's rows turn text into `String`, which repairs invalid UTF-8, so that two names could meet;
/// they trap on a value of another type; and they cost several times what SQLite does. Here text is
/// bytes, and what is not as it should be is nil.
struct Prepared {
  /// What a parameter stands for.
  enum Value {
    case null
    case integer(Int64)
    case bytes([UInt8])
    case text(String)

    init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }
    init(_ value: String?) { self = value.map { .text($0) } ?? .null }
  }

  private let statement: Statement
  private var handle: OpaquePointer { statement.sqliteStatement }

  /// The statement of a text, which the connection prepares once.
  init(_ sql: String, _ db: Database) throws {
    statement = try db.cachedStatement(sql: sql)
  }

  /// Runs it to its end.
  func run(_ values: Value...) throws {
    try run(values)
  }

  /// Runs it to its end, with values in an array.
  func run(_ values: [Value]) throws {
    defer { sqlite3_reset(handle) }
    try bind(values)
    while try step() {}
  }

  /// Reads the first row; nil where there is none.
  func first<Result>(_ values: Value..., read: (Prepared) throws -> Result?) throws -> Result? {
    defer { sqlite3_reset(handle) }
    try bind(values)
    return try step() ? read(self) : nil
  }

  /// Reads row by row, until `read` answers false.
  func forEach(_ values: Value..., read: (Prepared) throws -> Bool) throws {
    try forEach(values, read: read)
  }

  /// The same.
  func forEach(_ values: [Value], read: (Prepared) throws -> Bool) throws {
    defer { sqlite3_reset(handle) }
    try bind(values)
    while try step(), try read(self) {}
  }

  // MARK: - The current row

  /// An integer; nil for NULL and for any other type.
  func integer(_ column: Int32) -> Int64? {
    guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else { return nil }
    return sqlite3_column_int64(handle, column)
  }

  /// The bytes of a text; nil for NULL and for any other type.
  func bytes(_ column: Int32) -> [UInt8]? {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT,
      let start = sqlite3_column_text(handle, column)
    else { return nil }
    let count = Int(sqlite3_column_bytes(handle, column))
    return Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// A text; nil for NULL, for any other type, and where it is not UTF-8.
  func text(_ column: Int32) -> String? {
    bytes(column).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// A text as people see it: what is not UTF-8 is shown as U+FFFD.
  func shownText(_ column: Int32) -> String? {
    bytes(column).map { String(decoding: $0, as: UTF8.self) }
  }

  func isNull(_ column: Int32) -> Bool {
    sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  /// Whether a text is these bytes.
  func isText(_ bytes: [UInt8], _ column: Int32) -> Bool {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT,
      let start = sqlite3_column_text(handle, column)
    else { return false }
    let count = Int(sqlite3_column_bytes(handle, column))
    return UnsafeBufferPointer(start: start, count: count).elementsEqual(bytes)
  }

  // MARK: - SQLite

  private func bind(_ values: [Value]) throws {
    for (index, value) in values.enumerated() {
      let position = Int32(index + 1)
      let code =
        switch value {
        case .null: sqlite3_bind_null(handle, position)
        case .integer(let integer): sqlite3_bind_int64(handle, position, integer)
        case .bytes(let bytes): bytes.withUnsafeBytes { bind($0, position) }
        case .text(var text): text.withUTF8 { bind(UnsafeRawBufferPointer($0), position) }
        }
      guard code == SQLITE_OK else { throw error(code) }
    }
  }

  private func bind(_ text: UnsafeRawBufferPointer, _ position: Int32) -> Int32 {
    // Without an address SQLite would bind NULL.
    guard let start = text.bindMemory(to: CChar.self).baseAddress else {
      return sqlite3_bind_text(handle, position, "", 0, nil)
    }
    return csqlite_bind_text(handle, position, start, Int32(clamping: text.count))
  }

  private func step() throws -> Bool {
    let code = sqlite3_step(handle)
    switch code {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw error(code)
    }
  }

  private func error(_ code: Int32) -> DatabaseError {
    let connection = sqlite3_db_handle(handle)
    let extended = sqlite3_extended_errcode(connection)
    let isSame = extended & 0xff == code & 0xff
    return DatabaseError(
      resultCode: ResultCode(rawValue: isSame ? extended : code),
      message: sqlite3_errmsg(connection).map { String(cString: $0) })
  }
}

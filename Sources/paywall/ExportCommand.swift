import ArgumentParser
import Foundation
import Ledger
import PaywallCore

/// `paywall export`: all payments, for other programs.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write all payments as CSV or JSON.",
    usage: """
      paywall export (--csv | --json) [--from <time>] [--to <time>] [--output <file>] \
      [--config <file>] [--ledger <file>]
      """,
    discussion: """
      The oldest first, pending ones last, one after the other: a million take no more memory than \
      one. Times are ISO 8601 in UTC; amounts stand as integers of NANOS and as exact decimals of \
      IOTA. A pending payment's time is when it was first seen.

      CSV is that of RFC 4180: UTF-8, a header, lines that end with CR LF. Memos and names are \
      strangers' texts, and a spreadsheet would run one that begins with = + - @ or a tab: such \
      texts, and those that begin with ' themselves, are written with ' before them, which is to be \
      taken off again where the exact text matters. JSON has every text as it is.

      The ledger is only read, and may be in use.
      """)

  /// What is written.
  enum Format: String, EnumerableFlag {
    case csv, json

    static func help(for value: Format) -> ArgumentHelp? {
      value == .csv ? "A line for each payment, for spreadsheets." : "One array of objects."
    }
  }

  @Flag var format: Format

  @OptionGroup var range: TimeRange

  @Option(
    help: ArgumentHelp(
      "Write to a file that its owner alone may read, in place of what it was, whole or not at all.",
      valueName: "file"),
    completion: .file())
  var output: String?

  @OptionGroup var ledger: LedgerOptions

  func run() throws {
    guard let output else {
      return try write { try FileHandle.standardOutput.write(contentsOf: Data($0)) }
    }
    let path = URL(fileURLWithPath: output).path
    let file = try NewFile(path: path, mode: 0o600)
    // A first Ctrl-C takes away what was begun.
    Interrupt.catchSignals()
    try write { bytes in
      guard !Interrupt.isAsked else { throw NewFileError(path: path, code: EINTR) }
      try file.write(bytes)
    }
    try file.finish()
  }

  /// Writes the payments, some kilobytes at a time.
  func write(_ write: @escaping (ArraySlice<UInt8>) throws -> Void) throws {
    var buffer = OutputBuffer(write: write)
    let reader = try ledger.read()
    var writer: any ExportWriter =
      switch format {
      case .csv: CSVWriter()
      case .json: JSONArrayWriter()
      }
    buffer.append(writer.begin())
    try reader.forEachPayment(PaymentFilter(fromMs: range.from, toMs: range.to)) { payment in
      buffer.append(writer.row(ExportedPayment.values(payment)))
      try buffer.flush(above: OutputBuffer.size)
    }
    buffer.append(writer.end())
    try buffer.flush(above: 0)
  }
}

/// Bytes on their way to a file.
struct OutputBuffer {
  static let size = 65_536
  private var bytes: [UInt8] = []
  private let write: (ArraySlice<UInt8>) throws -> Void

  init(write: @escaping (ArraySlice<UInt8>) throws -> Void) {
    self.write = write
  }

  mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  /// Writes what there is where that is more than so many bytes.
  mutating func flush(above limit: Int) throws {
    guard bytes.count > limit else { return }
    try write(bytes[...])
    bytes.removeAll(keepingCapacity: true)
  }
}

/// The columns of an export.
enum ExportedPayment {
  /// What stands in a field.
  enum Value: Hashable {
    case none
    case integer(Int64)
    case boolean(Bool)
    /// Made here: a number or a time.
    case plain(String)
    /// From strangers.
    case text(String)

    init(_ value: String?) { self = value.map { .text($0) } ?? .none }
    init(_ value: Int64?) { self = value.map { .integer($0) } ?? .none }
  }

  static let names = [
    "digest", "paid_at", "seen_at", "state", "amount_nanos", "amount_iota", "account", "offer",
    "reason", "assigned_to", "payer", "verified", "checkpoint", "memo",
  ]

  /// The fields of a payment, one for each name.
  static func values(_ payment: PaymentRecord) -> [Value] {
    [
      Value(payment.digest), payment.paidAtMs.map { .plain(Moment.describe(ms: $0)) } ?? .none,
      .plain(Moment.describe(ms: payment.seenAtMs)), Value(payment.state),
      .integer(payment.amountNanos),
      .plain(Amount.iota(UInt128(payment.amountNanos.magnitude))), Value(payment.account),
      Value(payment.offer), Value(payment.reason), Value(payment.assignedTo), Value(payment.payer),
      .boolean(payment.isVerified), Value(payment.checkpoint), Value(payment.memo),
    ]
  }
}

/// A form in which payments are written.
protocol ExportWriter {
  /// What stands before the first row.
  mutating func begin() -> String
  /// A row.
  mutating func row(_ values: [ExportedPayment.Value]) -> String
  /// What stands behind the last row.
  mutating func end() -> String
}

/// CSV: https://www.rfc-editor.org/rfc/rfc4180.
struct CSVWriter: ExportWriter {
  func begin() -> String { ExportedPayment.names.joined(separator: ",") + "\r\n" }

  func row(_ values: [ExportedPayment.Value]) -> String {
    values.map(Self.field).joined(separator: ",") + "\r\n"
  }

  func end() -> String { "" }

  private static func field(_ value: ExportedPayment.Value) -> String {
    switch value {
    case .none: ""
    case .integer(let integer): "\(integer)"
    case .boolean(let boolean): "\(boolean)"
    case .plain(let text): text
    case .text(let text): quoted(harmless(text))
    }
  }

  /// What a spreadsheet would take for a formula; https://owasp.org/www-community/attacks/CSV_Injection
  /// names the characters, their full-width forms included.
  private static let dangerous = Set("=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}'".unicodeScalars)

  private static func harmless(_ text: String) -> String {
    text.unicodeScalars.first.map(dangerous.contains) == true ? "'" + text : text
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n"): false
      default: true
      }
    }
    return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}

/// One JSON array, an object in a line: https://www.rfc-editor.org/rfc/rfc8259.
struct JSONArrayWriter: ExportWriter {
  private var isFirst = true

  func begin() -> String { "[" }

  mutating func row(_ values: [ExportedPayment.Value]) -> String {
    let members = zip(ExportedPayment.names, values).map { name, value in
      "\"\(name)\":\(Self.json(value))"
    }
    defer { isFirst = false }
    return (isFirst ? "\n{" : ",\n{") + members.joined(separator: ",") + "}"
  }

  func end() -> String { "\n]\n" }

  private static func json(_ value: ExportedPayment.Value) -> String {
    switch value {
    case .none: "null"
    case .integer(let integer): "\(integer)"
    case .boolean(let boolean): "\(boolean)"
    case .plain(let text), .text(let text): string(text)
    }
  }

  private static func string(_ text: String) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20, 0x7F:
        bytes += Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return String(decoding: bytes, as: UTF8.self)
  }
}

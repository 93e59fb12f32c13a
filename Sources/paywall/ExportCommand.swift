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

import ArgumentParser
import Configuration
import Foundation
import Ledger

/// `paywall backup`: a copy of the ledger while the broker runs.
struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the ledger, while the broker runs.",
    discussion: """
      The copy is the ledger as it is at one moment, in one file that its owner alone may read; it is \
      checked, and is whole or not there. The master secret (secret_file) is not in it: without it \
      nobody's password and no sealed memo can be read, so keep a copy of that file too, elsewhere. \
      Start from a copy with make_good = false, for else the time since it was made counts as an \
      outage. Exit code 1 where the copy could not be made, or the ledger is damaged.
      """)

  @Argument(help: ArgumentHelp("The copy.", valueName: "file"), completion: .file())
  var file: String

  @Flag(help: "Replace the file where it is there already.")
  var force = false

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    // A first Ctrl-C takes away what was begun.
    Interrupt.catchSignals()
    let answer = try answer()
    try output.write(answer, lines: answer.lines)
  }

  /// What the copy holds, and what it does not.
  struct Answer: Encodable {
    let file: String
    let bytes: Int64
    let payments: Int64
    let newestPaidAt: String?
    /// Nil where no configuration was read that names it.
    let secretFile: String?

    var lines: [String] {
      let newest = newestPaidAt.map { ", the newest of \($0)" } ?? ""
      return [
        "\(file) holds \(payments) payments\(newest) (\(bytes) bytes, checked).",
        "The secret_file\(secretFile.map { " \($0)" } ?? "") is not in it; keep a copy of that too.",
      ]
    }
  }

  func answer() throws -> Answer {
    let path = URL(fileURLWithPath: file).path
    let report = try LedgerBackup(path: path).write(
      ledger.read(.olderToo), isReplacing: force, isOver: { Interrupt.isAsked })
    return Answer(
      file: path, bytes: report.byteCount, payments: report.paymentCount,
      newestPaidAt: report.newestMs.map(Moment.describe),
      secretFile: ledger.ledger == nil ? try ledger.configuration().secretFile : nil)
  }
}

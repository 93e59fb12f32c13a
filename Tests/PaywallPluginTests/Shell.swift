import Foundation
import TestSupport
import Testing

/// The `sqlite3` command.
struct Shell: Sendable {
  /// Offer and what follows, for ever.
  static let granted = "'live', 'granted', 0, 9000000000000000, NULL, NULL"

  let path: String

  private func process() -> (Subprocess, input: Pipe, output: Pipe) {
    let process = Subprocess()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-batch", "-bail", "-cmd", ".timeout 5000", path]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    return (process, input, output)
  }

  /// Runs statements.
  func run(_ sql: String) throws {
    let (process, input, _) = process()
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data("\(sql);\n".utf8))
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(sql)")
  }

  /// The first line that a statement answers.
  func answer(_ sql: String) throws -> String {
    let (process, input, output) = process()
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data("\(sql);\n".utf8))
    try input.fileHandleForWriting.close()
    let answer = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: answer.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// Runs a statement, and `body` before it is committed.
  func holdingLock(after sql: String, _ body: () throws -> Void) throws {
    let (process, input, output) = process()
    try process.run()
    let begin = "BEGIN IMMEDIATE;\n\(sql);\nSELECT 'locked';\n"
    try input.fileHandleForWriting.write(contentsOf: Data(begin.utf8))
    let line = try output.fileHandleForReading.read(upToCount: 7)
    #expect(line == Data("locked\n".utf8))
    try body()
    try input.fileHandleForWriting.write(contentsOf: Data("COMMIT;\n".utf8))
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}

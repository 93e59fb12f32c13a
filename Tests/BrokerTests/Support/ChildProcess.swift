import Foundation
import Glibc
import TestSupport

/// A program that was started, its output in a file; killed with the last reference to it.
final class ChildProcess {
  /// The file that has what it writes, to either stream.
  let outputPath: String
  private let process = Subprocess()
  private static let searchPath =
    setenv("PATH", (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/sbin", 1)

  /// Starts a program, looked for along `PATH` and where Debian keeps servers.
  init(_ command: [String], outputPath: String) throws {
    self.outputPath = outputPath
    _ = Self.searchPath
    let file = open(outputPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    let output = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    process.executableURL = URL(filePath: "/usr/bin/env")
    // It ends with the thread that starts it, which is a test's own, should the test not end it.
    process.arguments = ["setpriv", "--pdeathsig", "KILL"] + command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit {
    signal(SIGKILL)
    process.waitUntilExit()
  }

  /// What it has written.
  var output: String {
    // A line may be half written.
    String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
  }

  /// How it ended, 128 and the signal's number where one ended it; nil while it runs.
  var exitStatus: Int32? {
    guard !process.isRunning else { return nil }
    let status = process.terminationStatus
    return process.terminationReason == .exit ? status : 128 + status
  }

  /// Waits until it has ended; nil where it has not in time.
  func exitStatus(withinS timeoutS: Double) -> Int32? {
    _ = eventually(within: timeoutS) { exitStatus != nil }
    return exitStatus
  }

  /// Sends it a signal.
  func signal(_ number: Int32) {
    if exitStatus == nil { kill(process.processIdentifier, number) }
  }

  /// The user that it runs as; nil where it does not run.
  var effectiveUser: uid_t? {
    let status = FileManager.default.contents(atPath: "/proc/\(process.processIdentifier)/status")
    let text = String(decoding: status ?? Data(), as: UTF8.self)
    // Real, effective, saved, file system (proc(5)).
    return text.firstMatch(of: /Uid:\s+\d+\s+(\d+)/).flatMap { uid_t($0.1) }
  }

  /// The names of its threads (`comm` in proc(5)); none where it does not run.
  var threadNames: [String] {
    let folder = "/proc/\(process.processIdentifier)/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return threads.compactMap { thread in
      FileManager.default.contents(atPath: "\(folder)/\(thread)/comm").map {
        String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .newlines)
      }
    }
  }

  /// Lets it have so many files open; those that it has stay open.
  func limitFiles(to count: Int) throws {
    try Self.run(["prlimit", "--pid", "\(process.processIdentifier)", "--nofile=\(count):"])
  }

  /// Runs a program to its end.
  ///
  /// - Returns: What it wrote, to either stream.
  /// - Throws: Where it fails, or takes longer.
  @discardableResult
  static func run(_ command: [String], withinS timeoutS: Double = 30) throws -> String {
    let scratch = try Scratch()
    let process = try ChildProcess(command, outputPath: scratch.path("output"))
    guard let status = process.exitStatus(withinS: timeoutS) else {
      throw TestFailure("\(command) took longer than \(timeoutS) s")
    }
    guard status == 0 else {
      throw TestFailure("\(command) ended with status \(status): \(process.output)")
    }
    return process.output
  }
}

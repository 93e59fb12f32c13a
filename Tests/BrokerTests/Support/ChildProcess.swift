import Foundation
import Glibc
import TestSupport

/// A program that was started, its output in a file; killed with the last reference to it.
final class ChildProcess {
  /// The file that has what it writes, to either stream.
  let outputPath: String
  private let identifier: pid_t
  private var status: Int32?
  private static let searchPath =
    setenv("PATH", (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/sbin", 1)

  /// Starts a program, looked for along `PATH` and where Debian keeps servers.
  init(_ command: [String], outputPath: String) throws {
    self.outputPath = outputPath
    // It ends with the thread that starts it, which is a test's own, should the test not end it.
    let command = ["setpriv", "--pdeathsig", "KILL"] + command
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // A listening socket of this process would outlive its closing in the child.
    for descriptor in 3..<Int32(1024) { posix_spawn_file_actions_addclose(&actions, descriptor) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    _ = Self.searchPath
    let code = posix_spawnp(&child, "setpriv", &actions, &attributes, &arguments, environ)
    guard code == 0 else {
      throw TestFailure("setpriv cannot be started: \(String(cString: strerror(code)))")
    }
    identifier = child
  }

  deinit {
    guard exitStatus == nil else { return }
    kill(identifier, SIGKILL)
    waitpid(identifier, nil, 0)
  }

  /// What it has written.
  var output: String {
    // A line may be half written.
    String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
  }

  /// How it ended, 128 and the signal's number where one ended it; nil while it runs.
  var exitStatus: Int32? {
    if status == nil {
      var raw: Int32 = 0
      if waitpid(identifier, &raw, WNOHANG) == identifier {
        status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
      }
    }
    return status
  }

  /// Waits until it has ended; nil where it has not in time.
  func exitStatus(withinS timeoutS: Double) -> Int32? {
    _ = eventually(within: timeoutS) { exitStatus != nil }
    return exitStatus
  }

  /// Sends it a signal.
  func signal(_ number: Int32) {
    if exitStatus == nil { kill(identifier, number) }
  }

  /// The user that it runs as; nil where it does not run.
  var effectiveUser: uid_t? {
    let status = FileManager.default.contents(atPath: "/proc/\(identifier)/status")
    let text = String(decoding: status ?? Data(), as: UTF8.self)
    // Real, effective, saved, file system (proc(5)).
    return text.firstMatch(of: /Uid:\s+\d+\s+(\d+)/).flatMap { uid_t($0.1) }
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

public import Foundation
import Glibc
import Synchronization

/// A program that is run beside the tests, with the interface of Foundation's `Process`.
///
/// Foundation 6.3's own reads up to 255 bytes beyond the buffer of `readdir` where it looks for open
/// descriptors (`findMaximumOpenFromProcSelfFD` copies a whole `dirent`, of which the kernel writes a
/// part), and that kills a process of many threads every now and then: their heaps are small, and
/// behind them is nothing.
public final class Subprocess: Sendable {
  /// Why it has ended.
  public enum TerminationReason: Sendable {
    /// It has ended itself.
    case exit
    /// A signal has ended it.
    case uncaughtSignal
  }

  private struct Setup {
    var executableURL: URL?
    var arguments: [String]?
    var environment: [String: String]?
    var currentDirectoryURL: URL?
    var streams: [any SubprocessStream] = [
      FileHandle.standardInput, FileHandle.standardOutput, FileHandle.standardError,
    ]
  }

  private struct State {
    var setup = Setup()
    var identifier: pid_t?
    var status: Int32?
  }

  private let state = Mutex(State())

  /// A program that is not yet run.
  public init() {}

  /// The program's file.
  public var executableURL: URL? {
    get { state.withLock(\.setup.executableURL) }
    set { state.withLock { $0.setup.executableURL = newValue } }
  }

  /// What it gets after its name.
  public var arguments: [String]? {
    get { state.withLock(\.setup.arguments) }
    set { state.withLock { $0.setup.arguments = newValue } }
  }

  /// Its environment; nil for this process's.
  public var environment: [String: String]? {
    get { state.withLock(\.setup.environment) }
    set { state.withLock { $0.setup.environment = newValue } }
  }

  /// Where it runs; nil for where this process does.
  public var currentDirectoryURL: URL? {
    get { state.withLock(\.setup.currentDirectoryURL) }
    set { state.withLock { $0.setup.currentDirectoryURL = newValue } }
  }

  /// What it reads: a pipe or a file.
  public var standardInput: any SubprocessStream {
    get { state.withLock { $0.setup.streams[0] } }
    set { state.withLock { $0.setup.streams[0] = newValue } }
  }

  /// Where its output goes: a pipe or a file.
  public var standardOutput: any SubprocessStream {
    get { state.withLock { $0.setup.streams[1] } }
    set { state.withLock { $0.setup.streams[1] = newValue } }
  }

  /// Where its errors go: a pipe or a file.
  public var standardError: any SubprocessStream {
    get { state.withLock { $0.setup.streams[2] } }
    set { state.withLock { $0.setup.streams[2] = newValue } }
  }

  /// Starts it.
  ///
  /// - Throws: `POSIXError` where it cannot be started.
  public func run() throws {
    let setup = state.withLock(\.setup)
    let identifier = try Self.spawn(setup)
    state.withLock { $0.identifier = identifier }
    // The child has its ends of the pipes: here, they would keep the pipes open.
    try setup.streams[0].closeChildsEnd(isInput: true)
    try setup.streams[1].closeChildsEnd(isInput: false)
    if setup.streams[2] !== setup.streams[1] { try setup.streams[2].closeChildsEnd(isInput: false) }
  }

  private static func spawn(_ setup: Setup) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, stream) in setup.streams.enumerated() {
      if let descriptor = stream.descriptor(isInput: number == 0) {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
      } else {
        posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
      }
    }
    // A listening socket of this process would outlive its closing in the child.
    for descriptor in 3..<Int32(4096) { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Threads of tests may block signals, and that would be inherited.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var command = [setup.executableURL?.path ?? ""] + (setup.arguments ?? [])
    if let folder = setup.currentDirectoryURL {
      command = ["/usr/bin/env", "-C", folder.path] + command
    }
    let environment = setup.environment ?? ProcessInfo.processInfo.environment
    var argv = command.map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var identifier = pid_t()
    let code = posix_spawn(&identifier, command[0], &actions, &attributes, &argv, &envp)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    return identifier
  }

  /// Its number; 0 where it was never started.
  public var processIdentifier: pid_t { state.withLock { $0.identifier ?? 0 } }

  /// Whether it has been started, and has not ended.
  public var isRunning: Bool {
    state.withLock { state in
      Self.reap(&state)
      return state.identifier != nil && state.status == nil
    }
  }

  private static func reap(_ state: inout State) {
    guard let identifier = state.identifier, state.status == nil else { return }
    var status: Int32 = 0
    if waitpid(identifier, &status, WNOHANG) == identifier { state.status = status }
  }

  /// Waits until it has ended.
  public func waitUntilExit() {
    while isRunning {
      var information = siginfo_t()
      // Leaves it to be reaped under the lock: until then, nobody else has its number.
      waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOWAIT)
    }
  }

  /// Its exit status, or the number of the signal that has ended it; 0 where it runs.
  public var terminationStatus: Int32 {
    _ = isRunning
    let status = state.withLock(\.status) ?? 0
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : status & 0x7F
  }

  /// Why it has ended; `exit` where it has not.
  public var terminationReason: TerminationReason {
    _ = isRunning
    return (state.withLock(\.status) ?? 0) & 0x7F == 0 ? .exit : .uncaughtSignal
  }

  /// Sends it SIGTERM.
  public func terminate() {
    if isRunning { kill(processIdentifier, SIGTERM) }
  }
}

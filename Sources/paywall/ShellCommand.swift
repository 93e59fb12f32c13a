import Foundation
import Glibc

/// A command of the user's, run by `/bin/sh`.
///
/// Foundation's `Process` would do, were it not for its reading beyond the end of a buffer where it
/// looks for open descriptors, which may end us at any message (Foundation 6.3,
/// `findMaximumOpenFromProcSelfFD`).
enum ShellCommand {
  /// Runs a command to its end, whatever that is.
  ///
  /// - Parameters:
  ///   - command: What the shell is given.
  ///   - input: The file that it reads.
  ///   - variables: What it finds in its environment beside ours.
  /// - Throws: `BrokerError` where the shell cannot be started.
  static func run(_ command: String, input: Int32, variables: [String: String]) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    // What the command leaves running must not hold our connection to the broker.
    for descriptor in 3..<Int32(1024) { posix_spawn_file_actions_addclose(&actions, descriptor) }
    let environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
    let words = ["/bin/sh", "-c", command]
    var argv = words.map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var child = pid_t()
    let code = posix_spawn(&child, "/bin/sh", &actions, nil, &argv, &envp)
    guard code == 0 else {
      throw BrokerError("/bin/sh cannot be started: \(String(cString: strerror(code))).")
    }
    while waitpid(child, nil, 0) == -1, errno == EINTR {}
  }
}

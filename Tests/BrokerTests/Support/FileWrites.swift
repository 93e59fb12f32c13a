import Foundation
import Glibc

/// Tells when somebody writes to a file, at once: inotify(7).
final class FileWrites {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = inotify_init1(Int32(IN_CLOEXEC))
    guard descriptor >= 0, inotify_add_watch(descriptor, path, UInt32(IN_MODIFY)) >= 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
  }

  deinit { close(descriptor) }

  /// Waits for the next write.
  ///
  /// - Returns: Whether there was one in time.
  func awaitWrite(withinS timeoutS: Int32) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, timeoutS * 1000) == 1
  }
}

import Glibc

/// Something that a thread can wait for, and that another can signal without waiting.
final class Event: Sendable {
  /// A pipe that nobody waits to write to.
  private let reading: CInt
  private let writing: CInt

  init() {
    var ends: [CInt] = [-1, -1]
    _ = pipe(&ends)
    for end in ends where end >= 0 {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    if reading >= 0 { close(reading) }
    if writing >= 0 { close(writing) }
  }

  /// Ends the current wait, or the next.
  func signal() {
    var byte: UInt8 = 1
    // A full pipe has signals enough.
    _ = write(writing, &byte, 1)
  }

  /// Waits until it is signalled; false where the time is over first.
  @discardableResult
  func wait(timeoutMs: Int64) -> Bool {
    var waiting = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    poll(&waiting, 1, CInt(clamping: max(0, timeoutMs)))
    var bytes: [UInt8] = Array(repeating: 0, count: 64)
    return read(reading, &bytes, bytes.count) > 0
  }
}

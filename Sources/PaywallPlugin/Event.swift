import Glibc
import Synchronization

/// Something that a thread can wait for, and that another can signal without waiting.
final class Event: Sendable {
  /// A pipe that nobody waits to write to; -1 where as many files are open as may be.
  private let reading: CInt
  private let writing: CInt
  /// Whether it was signalled, where there is no pipe.
  private let isSignalled = Atomic(false)
  /// How long is slept between two looks at that, in milliseconds.
  private static let lookMs: Int64 = 100

  /// Makes one.
  ///
  /// - Parameter open: Makes the pipe, as `pipe` does.
  init(open: (UnsafeMutablePointer<CInt>) -> CInt = pipe) {
    var ends: [CInt] = [-1, -1]
    _ = open(&ends)
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
    guard writing >= 0 else { return isSignalled.store(true, ordering: .releasing) }
    var byte: UInt8 = 1
    // A full pipe has signals enough.
    _ = write(writing, &byte, 1)
  }

  /// Waits until it is signalled; false where the time is over first.
  @discardableResult
  func wait(timeoutMs: Int64) -> Bool {
    guard reading >= 0 else { return look(timeoutMs: timeoutMs) }
    var waiting = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    poll(&waiting, 1, CInt(clamping: max(0, timeoutMs)))
    var bytes: [UInt8] = Array(repeating: 0, count: 64)
    return read(reading, &bytes, bytes.count) > 0
  }

  private func look(timeoutMs: Int64) -> Bool {
    var leftMs = timeoutMs
    while !isSignalled.exchange(false, ordering: .acquiring) {
      guard leftMs > 0 else { return false }
      poll(nil, 0, CInt(min(leftMs, Self.lookMs)))
      leftMs -= Self.lookMs
    }
    return true
  }
}

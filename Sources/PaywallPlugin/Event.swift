import Glibc

/// Something that a thread can wait for, and that another can signal without waiting.
final class Event: Sendable {
  private let descriptor: CInt

  init() {
    descriptor = eventfd(0, CInt(EFD_NONBLOCK.rawValue | EFD_CLOEXEC.rawValue))
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Ends the current wait, or the next.
  func signal() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, MemoryLayout.size(ofValue: one))
  }

  /// Waits until it is signalled; false where the time is over first.
  @discardableResult
  func wait(timeoutMs: Int64) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&waiting, 1, CInt(clamping: max(0, timeoutMs)))
    var count: UInt64 = 0
    return read(descriptor, &count, MemoryLayout.size(ofValue: count)) > 0
  }
}

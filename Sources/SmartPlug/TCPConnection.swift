internal import Glibc

/// A TCP connection whose every step ends in time, and within 100 ms of being cancelled.
final class TCPConnection {
  /// Why there is no connection, or no more of it.
  enum Failure: Error, Equatable {
    /// The peer, or the network, said so: the number of the system's error.
    case system(Int32)
    /// The peer closed it.
    case closed
    case timeout
    case cancelled
    /// The peer announced more than any plug does.
    case tooLarge

    var reason: String {
      switch self {
      case .system(let number): String(cString: strerror(number))
      case .closed: "the connection was closed"
      case .timeout: "no answer in time"
      case .cancelled: "the request was cancelled"
      case .tooLarge: "the answer is larger than any plug's"
      }
    }
  }

  private static let sliceMs: Int64 = 100

  private let socket: Int32
  private let cancellation: Cancellation

  /// Connects to an IPv4 address in numbers.
  init(
    host: String, port: UInt16, untilMs: Int64, cancellation: Cancellation
  ) throws(Failure) {
    self.cancellation = cancellation
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    socket = Glibc.socket(AF_INET, flags, 0)
    guard socket >= 0 else { throw .system(errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw .system(EINVAL) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if status == 0 { return }
    guard errno == EINPROGRESS else { throw .system(errno) }
    try wait(for: POLLOUT, untilMs: untilMs)
    var number: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size)
    guard number == 0 else { throw .system(number) }
  }

  deinit { if socket >= 0 { close(socket) } }

  /// Sends all bytes.
  func send(_ bytes: [UInt8], untilMs: Int64) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      try wait(for: POLLOUT, untilMs: untilMs)
      let count = rest.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EAGAIN, errno != EINTR {
        throw .system(errno)
      }
    }
  }

  /// Receives exactly so many bytes.
  func receive(_ count: Int, untilMs: Int64) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      try wait(for: POLLIN, untilMs: untilMs)
      var buffer = [UInt8](repeating: 0, count: count - bytes.count)
      let received = recv(socket, &buffer, buffer.count, 0)
      if received > 0 {
        bytes += buffer.prefix(received)
      } else if received == 0 {
        throw .closed
      } else if errno != EAGAIN, errno != EINTR {
        throw .system(errno)
      }
    }
    return bytes
  }

  private func wait(for events: Int32, untilMs: Int64) throws(Failure) {
    while true {
      if cancellation.isSet { throw .cancelled }
      let leftMs = untilMs - MonotonicClock.nowMs()
      guard leftMs > 0 else { throw .timeout }
      var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
      if poll(&entry, 1, Int32(min(leftMs, Self.sliceMs))) > 0 { return }
    }
  }
}

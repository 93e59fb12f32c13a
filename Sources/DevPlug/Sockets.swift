import Glibc
import Synchronization

// Plain POSIX sockets and a thread per connection, instead of FlyingFox: its server sorts the
// headers, keeps a connection open when the client asks for it, and can send neither a body that
// is shorter than announced nor nothing at all; and it has no multicast.

/// A file descriptor that is closed with its last reference.
final class Descriptor: Sendable {
  let number: Int32

  /// Takes over what a system call returned.
  /// - Throws: when that is negative, naming the call and errno's reason.
  init(_ number: Int32, _ call: String) throws(DevPlugError) {
    guard number >= 0 else { throw DevPlugError.system(call) }
    self.number = number
    _ = fcntl(number, F_SETFD, FD_CLOEXEC)
  }

  deinit { close(number) }

  /// Waits until there is something to read, or the peer is gone.
  /// - Returns: false when `stop` came first, or the time was over.
  func waitUntilReadable(orStopped stop: StopSignal, timeoutMs: Int) -> Bool {
    var entries = [
      pollfd(fd: number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.descriptor.number, events: Int16(POLLIN), revents: 0),
    ]
    let count = poll(&entries, 2, Int32(clamping: timeoutMs))
    return count > 0 && entries[1].revents == 0 && entries[0].revents != 0
  }

  func setOption(_ level: Int32, _ option: Int32, _ value: Int32) throws(DevPlugError) {
    var value = value
    let status = setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    guard status == 0 else { throw DevPlugError.system("setsockopt") }
  }

  func bind(_ address: sockaddr_in) throws(DevPlugError) {
    let status = address.withPointer { Glibc.bind(number, $0, $1) }
    guard status == 0 else {
      throw DevPlugError.system("listening on \(address.text):\(address.port)")
    }
  }

  /// The address and port that the socket is bound to.
  var localAddress: sockaddr_in? {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &size) }
    }
    return status == 0 ? address : nil
  }
}

/// Set once, never taken back; any number of threads can wait for it together with a socket.
///
/// A pipe whose writing end is closed: that leaves the reading end ready for ever.
final class StopSignal: Sendable {
  let descriptor: Descriptor
  private let writingEnd: Mutex<Descriptor?>

  init() throws(DevPlugError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw DevPlugError.system("pipe") }
    descriptor = try Descriptor(ends[0], "pipe")
    writingEnd = Mutex(try Descriptor(ends[1], "pipe"))
  }

  func stop() { writingEnd.withLock { $0 = nil } }

  /// Waits for the signal.
  /// - Returns: true when it was set, false when the time was over.
  func wait(ms: Int) -> Bool {
    var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, Int32(clamping: ms)) > 0
  }
}

extension sockaddr_in {
  /// - Throws: when the text is no IPv4 address.
  init(_ host: String, port: UInt16) throws(DevPlugError) {
    self.init()
    sin_family = sa_family_t(AF_INET)
    sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &sin_addr) == 1 else {
      throw DevPlugError("\"\(host)\" is no IPv4 address; bind to 127.0.0.1 or 0.0.0.0.")
    }
  }

  var port: UInt16 { UInt16(bigEndian: sin_port) }

  var text: String {
    let bytes = withUnsafeBytes(of: sin_addr.s_addr) { Array($0) }
    return bytes.map(String.init).joined(separator: ".")
  }

  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: self) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

extension DevPlugError {
  static func system(_ what: String) -> DevPlugError {
    DevPlugError("The plug failed at \(what): \(String(cString: strerror(errno))).")
  }
}

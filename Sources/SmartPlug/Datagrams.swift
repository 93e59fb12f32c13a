internal import Glibc

/// A UDP socket on any port, which may broadcast.
final class Datagrams {
  private let socket: Int32

  /// Nil where the system gives no socket.
  init?() {
    let flags = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    socket = Glibc.socket(AF_INET, flags, 0)
    guard socket >= 0 else { return nil }
    var yes: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_BROADCAST, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { if socket >= 0 { close(socket) } }

  /// Sends to an IPv4 address in numbers; what cannot be sent is lost, as any datagram may be.
  func send(_ bytes: [UInt8], toHost host: String, port: UInt16, from interface: in_addr? = nil) {
    if var interface {
      setsockopt(
        socket, Int32(IPPROTO_IP), IP_MULTICAST_IF, &interface,
        socklen_t(MemoryLayout<in_addr>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return }
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// The next datagram and its sender's address in numbers, or nil when none came in time.
  func receive(timeoutMs: Int64) -> (bytes: [UInt8], sender: String)? {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, Int32(clamping: max(0, timeoutMs))) > 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 4096)
    var sender = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let count = withUnsafeMutablePointer(to: &sender) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(socket, &buffer, buffer.count, 0, $0, &size)
      }
    }
    guard count > 0 else { return nil }
    let numbers = withUnsafeBytes(of: sender.sin_addr.s_addr) { $0.map(String.init) }
    return (Array(buffer.prefix(count)), numbers.joined(separator: "."))
  }

  /// The IPv4 addresses of this machine's interfaces that are up; loopback too, for plugs that are
  /// only simulated.
  static func interfaces() -> [in_addr] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var addresses: [in_addr] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      let isUp = entry.ifa_flags & UInt32(IFF_UP) != 0
      guard isUp, let address = entry.ifa_addr, Int32(address.pointee.sa_family) == AF_INET
      else { continue }
      addresses.append(
        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr })
    }
    return addresses
  }
}

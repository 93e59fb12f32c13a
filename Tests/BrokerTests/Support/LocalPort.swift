import Glibc

/// TCP ports of this machine.
enum LocalPort {
  /// A port below those that the system gives to outgoing connections.
  static func free() -> UInt16 {
    while true {
      let port = UInt16.random(in: 10_000..<32_000)
      if withSocket(port, { bind($0, $1, $2) }) { return port }
    }
  }

  /// Whether a broker serves the port.
  ///
  /// It listens before it is ready: what answers CONNECT is its main loop, which takes signals too.
  static func isServed(_ port: UInt16) -> Bool {
    // MQTT 3.1.1, sections 3.1 and 3.2: clean session, keep-alive 60 s, the client identifier "up".
    let connect: [UInt8] = [
      0x10, 14, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 2, 0x75, 0x70,
    ]
    return withSocket(port) { socket, address, length in
      var patience = timeval(tv_sec: 1, tv_usec: 0)
      setsockopt(
        socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      var answer: UInt8 = 0
      let isConnack =
        Glibc.connect(socket, address, length) == 0
        && send(socket, connect, connect.count, Int32(MSG_NOSIGNAL)) == connect.count
        && recv(socket, &answer, 1, 0) == 1 && answer == 0x20
      return isConnack ? 0 : -1
    }
  }

  /// Connects a socket to a port; false where nobody listens.
  static func connect(_ socket: Int32, port: UInt16) -> Bool {
    withAddress(port) { Glibc.connect(socket, $0, $1) == 0 }
  }

  private static func withSocket(
    _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Bool {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    return withAddress(port) { body(socket, $0, $1) == 0 }
  }

  private static func withAddress(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool
  ) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

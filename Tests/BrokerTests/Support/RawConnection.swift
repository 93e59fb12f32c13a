import Glibc

/// A TCP connection on which a test writes, byte by byte, what no MQTT library would.
final class RawConnection {
  private let socket: Int32

  /// Connects to a port of this machine.
  init(port: UInt16) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    guard code == 0 else { throw TestFailure("no connection to port \(port)") }
  }

  deinit { close(socket) }

  /// Sends bytes; what a peer that has closed does not take is lost.
  func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
  }

  /// Waits for so many bytes, at most 10 seconds for each part.
  ///
  /// - Returns: Nil where the peer closes first.
  /// - Throws: Where nothing comes in time.
  func receive(_ count: Int) throws -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var buffer = [UInt8](repeating: 0, count: count - bytes.count)
      let received = recv(socket, &buffer, buffer.count, 0)
      if received < 0, errno == EAGAIN || errno == EINTR {
        throw TestFailure("nothing more came after \(bytes)")
      }
      guard received > 0 else { return nil }
      bytes += buffer[..<received]
    }
    return bytes
  }

  /// Waits for the next packet of MQTT; nil where the peer closes first.
  func receivePacket() throws -> Packet? {
    guard let first = try receive(1)?.first else { return nil }
    var length = 0
    for place in 0..<4 {
      guard let byte = try receive(1)?.first else { return nil }
      length |= Int(byte & 0x7F) << (7 * place)
      if byte < 0x80 { break }
    }
    return try receive(length).map { Packet(first: first, body: $0) }
  }

  /// Says that nothing more will be sent.
  func finish() { shutdown(socket, Int32(SHUT_WR)) }

  /// Waits until the peer has closed; throws where it does not.
  func isClosedByPeer() throws -> Bool {
    while try receive(1) != nil {}
    return true
  }
}

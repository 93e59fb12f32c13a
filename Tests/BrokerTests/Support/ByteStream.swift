import Glibc

/// A TCP connection to this machine, bare or in the frames of a WebSocket (RFC 6455).
final class ByteStream {
  private let socket: Int32
  private let isWebSocket: Bool
  private var isClosed = false
  /// What has come and is no whole frame yet.
  private var rest: [UInt8] = []

  /// Connects.
  ///
  /// - Throws: Where nobody listens, or no WebSocket is made.
  init(port: UInt16, isWebSocket: Bool = false) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.isWebSocket = isWebSocket
    guard LocalPort.connect(socket, port: port) else {
      throw TestFailure("nobody listens on port \(port)")
    }
    if isWebSocket { try shakeHands() }
  }

  deinit { close() }

  /// Ends the connection in order.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    Glibc.close(socket)
  }

  /// Ends the connection with a reset, as when a machine is switched off.
  func reset() {
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    close()
  }

  /// Sends all bytes, as one frame of a WebSocket; what the peer no longer takes is lost.
  func send(_ bytes: [UInt8]) {
    sendAll(isWebSocket ? Self.frame(bytes) : bytes)
  }

  /// Waits for bytes.
  ///
  /// - Returns: What has come; nil where the peer has closed.
  /// - Throws: Where nothing comes in time.
  func receive(withinS timeoutS: Double = 10) throws -> [UInt8]? {
    guard isWebSocket else { return try receiveAny(withinS: timeoutS) }
    while true {
      if let frame = takeFrame() { return frame.isClose ? nil : frame.payload }
      guard let bytes = try receiveAny(withinS: timeoutS) else { return nil }
      rest += bytes
    }
  }

  private func sendAll(_ bytes: [UInt8]) {
    var bytes = bytes[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return }
      bytes = bytes.dropFirst(sent)
    }
  }

  private func receiveAny(withinS timeoutS: Double) throws -> [UInt8]? {
    var ready = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard poll(&ready, 1, Int32(timeoutS * 1000)) == 1 else {
      throw TestFailure("the broker says nothing")
    }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(socket, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer[..<count]) : nil
  }

  // MARK: - RFC 6455

  private func shakeHands() throws {
    let lines = [
      "GET /mqtt HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: mqtt", "", "",
    ]
    sendAll(Array(lines.joined(separator: "\r\n").utf8))
    while true {
      guard let bytes = try receiveAny(withinS: 10) else {
        throw TestFailure("the broker makes no WebSocket")
      }
      rest += bytes
      guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
      let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
      guard head.contains(" 101 ") else { throw TestFailure("no WebSocket: \(head)") }
      rest.removeFirst(end.upperBound)
      return
    }
  }

  /// A binary frame; a client's are masked, with zeros here.
  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    let count = bytes.count
    var head: [UInt8] = [0x82]
    if count < 126 {
      head += [0x80 | UInt8(count)]
    } else if count < 65_536 {
      head += [0x80 | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
    } else {
      head += [0x80 | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }
    return head + [0, 0, 0, 0] + bytes
  }

  private func takeFrame() -> (isClose: Bool, payload: [UInt8])? {
    guard rest.count >= 2 else { return nil }
    let short = Int(rest[1] & 0x7F)
    let lengthSize = short == 126 ? 2 : short == 127 ? 8 : 0
    let start = 2 + lengthSize
    guard rest.count >= start else { return nil }
    let count = lengthSize == 0 ? short : rest[2..<start].reduce(0) { $0 << 8 | Int($1) }
    guard rest.count >= start + count else { return nil }
    let isClose = rest[0] & 0x0F == 8
    let payload = Array(rest[start..<start + count])
    rest.removeFirst(start + count)
    return (isClose, payload)
  }
}

import Foundation

/// A TCP server on 127.0.0.1 whose every connection is served by a closure on its own thread.
///
/// It is for peers that misbehave in ways that no HTTP server library would. It listens until the
/// process ends.
public final class LoopbackServer: Sendable {
  /// One accepted connection.
  public struct Connection: Sendable {
    fileprivate let socket: Int32

    /// Waits for the head of an HTTP request and its body; nil once the peer has closed.
    public func readRequest() -> (head: String, body: [UInt8])? {
      var bytes: [UInt8] = []
      while true {
        if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
          let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
          let length = head.lowercased().firstMatch(of: /content-length: (\d+)/)
          let wanted = length.flatMap { Int($0.1) } ?? 0
          if bytes.count - end.upperBound >= wanted {
            return (head, Array(bytes[end.upperBound...].prefix(wanted)))
          }
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        bytes += buffer[..<count]
      }
    }

    /// Waits for exactly so many bytes; nil once the peer has closed.
    public func receive(_ count: Int) -> [UInt8]? {
      var bytes: [UInt8] = []
      while bytes.count < count {
        var buffer = [UInt8](repeating: 0, count: count - bytes.count)
        let received = recv(socket, &buffer, buffer.count, 0)
        guard received > 0 else { return nil }
        bytes += buffer[..<received]
      }
      return bytes
    }

    /// Sends all bytes; false once the peer has closed.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
      var rest = bytes[...]
      while !rest.isEmpty {
        let sent = rest.withUnsafeBytes {
          Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent > 0 else { return false }
        rest = rest.dropFirst(sent)
      }
      return true
    }

    /// Sends text.
    @discardableResult
    public func send(_ text: String) -> Bool {
      send(Array(text.utf8))
    }

    /// Sends an answer of the status, with its length.
    @discardableResult
    public func answer(status: String = "200 OK", headers: [String] = [], _ body: [UInt8]) -> Bool {
      let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers
      return send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    /// Waits until the peer has closed.
    public func waitForClose() {
      var byte: UInt8 = 0
      while recv(socket, &byte, 1, 0) > 0 {}
    }

    /// Makes the end of the connection a reset instead of an orderly close.
    public func resetWhenClosed() {
      var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }
  }

  /// The port that it listens on.
  public let port: UInt16

  /// Starts to listen on a free port; `serve` is called with each connection, which is closed
  /// once it returns.
  public init(_ serve: @escaping @Sendable (Connection) -> Void) throws {
    let (listener, port) = try Self.listen(backlog: 128)
    self.port = port
    Thread.detachNewThread {
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        Thread.detachNewThread {
          serve(Connection(socket: socket))
          close(socket)
        }
      }
    }
  }

  /// Sends a request to a server of this machine.
  ///
  /// - Returns: The answer's body; nil where there is none.
  static func ask(port: UInt16, _ body: [UInt8]) -> [UInt8]? {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    let connection = Connection(socket: socket)
    let head =
      "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\n\r\n"
    guard code == 0, connection.send(Array(head.utf8) + body) else { return nil }
    // An answer has a head and a body as a request has.
    return connection.readRequest()?.body
  }

  /// Its URL with a path.
  public func url(_ path: String = "/") -> String {
    "http://127.0.0.1:\(port)\(path)"
  }

  /// A port of 127.0.0.1 that stays taken until the process ends, and where nobody listens.
  public static func deafPort() throws -> UInt16 {
    try open().port
  }

  /// Opens a listening socket on a free port of 127.0.0.1.
  public static func listen(backlog: Int32) throws -> (socket: Int32, port: UInt16) {
    let (socket, port) = try open()
    guard Glibc.listen(socket, backlog) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    return (socket, port)
  }

  private static func open() throws -> (socket: Int32, port: UInt16) {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard isBound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    return (socket, UInt16(bigEndian: address.sin_port))
  }
}

import Foundation
import Synchronization
import TestSupport

/// A broker as far as a buyer sees it: MQTT 3.1.1 with canned messages for each subscription.
///
/// An ordinary Mosquitto lets nobody publish to `$SYS`.
final class StandIn: Sendable {
  struct Login: Hashable, Sendable {
    var username: String?
    var password: String?
  }

  /// What has happened, to be changed by the test.
  struct State {
    /// Filters that are answered with a failure.
    var denied: Set<String> = []
    /// The filters of all SUBSCRIBEs.
    var subscriptions: [String] = []
    /// Who was let in.
    var logins: [Login] = []
    fileprivate var sockets: Set<Int32> = []
  }

  typealias Message = (topic: String, payload: [UInt8])

  let port: UInt16
  let state = Mutex(State())
  private let accepts: @Sendable (Login) -> Bool
  private let messages: @Sendable (String, Login) -> [Message]

  /// - Parameters:
  ///   - accepts: Who is let in.
  ///   - messages: What is sent after a SUBSCRIBE of a filter.
  /// - Throws: Where no port can be had.
  init(
    accepts: @escaping @Sendable (Login) -> Bool,
    messages: @escaping @Sendable (String, Login) -> [Message]
  ) throws {
    self.accepts = accepts
    self.messages = messages
    let (listener, port) = try LoopbackServer.listen(backlog: 16)
    self.port = port
    // The threads hold the stand-in, which lasts as long as the process.
    Thread.detachNewThread {
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        Thread.detachNewThread {
          _ = self.state.withLock { $0.sockets.insert(socket) }
          self.serve(socket)
          self.state.withLock {
            $0.sockets.remove(socket)
            close(socket)
          }
        }
      }
    }
  }

  /// Breaks all connections.
  func breakConnections() {
    state.withLock { state in
      for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }
  }

  /// Sends a message to all clients.
  func publish(_ topic: String, _ text: String) {
    let packet = Self.packet(topic, Array(text.utf8))
    state.withLock { state in
      for socket in state.sockets { Self.send(socket, packet) }
    }
  }

  private func serve(_ socket: Int32) {
    var login = Login()
    while let (kind, body) = Self.readPacket(socket) {
      switch kind >> 4 {
      case 1:
        login = Self.login(body)
        let isAccepted = accepts(login)
        if isAccepted { state.withLock { $0.logins.append(login) } }
        Self.send(socket, [0x20, 2, 0, isAccepted ? 0 : 5])
        if !isAccepted { return }
      case 8:
        let filter = Self.text(body, at: 2)
        let isDenied = state.withLock { state in
          state.subscriptions.append(filter)
          return state.denied.contains(filter)
        }
        Self.send(socket, [0x90, 3, body[0], body[1], isDenied ? 0x80 : 0])
        guard !isDenied else { break }
        for message in messages(filter, login) {
          Self.send(socket, Self.packet(message.topic, message.payload))
        }
      case 12: Self.send(socket, [0xD0, 0])
      case 14: return
      default: break
      }
    }
  }

  private static func packet(_ topic: String, _ payload: [UInt8]) -> [UInt8] {
    let name = Array(topic.utf8)
    let content = [UInt8(name.count >> 8), UInt8(name.count & 255)] + name + payload
    return [0x30] + length(content.count) + content
  }

  private static func login(_ body: [UInt8]) -> Login {
    let flags = body[7]
    var position = 10
    func next() -> String {
      let text = text(body, at: position)
      position += 2 + Int(body[position]) << 8 + Int(body[position + 1])
      return text
    }
    _ = next()
    return Login(
      username: flags & 0x80 != 0 ? next() : nil, password: flags & 0x40 != 0 ? next() : nil)
  }

  private static func text(_ body: [UInt8], at position: Int) -> String {
    let count = Int(body[position]) << 8 + Int(body[position + 1])
    return String(decoding: body[(position + 2)..<(position + 2 + count)], as: UTF8.self)
  }

  private static func length(_ count: Int) -> [UInt8] {
    var rest = count
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
      rest /= 128
    } while rest > 0
    return bytes
  }

  private static func readPacket(_ socket: Int32) -> (UInt8, [UInt8])? {
    guard let kind = read(socket, 1)?.first else { return nil }
    var count = 0
    var shift = 0
    while let byte = read(socket, 1)?.first {
      count += Int(byte & 0x7F) << shift
      shift += 7
      if byte & 0x80 == 0 { break }
    }
    return read(socket, count).map { (kind, $0) }
  }

  private static func read(_ socket: Int32, _ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    guard count == 0 || recv(socket, &bytes, count, Int32(MSG_WAITALL)) == count else {
      return nil
    }
    return bytes
  }

  private static func send(_ socket: Int32, _ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }
}

import FlyingFox
import FlyingSocks
import Foundation

/// A pool of sockets that send what they have at once.
///
/// The server writes the head and the body of an answer apart. With Nagle's algorithm (RFC 896),
/// the body waits until the client has acknowledged the head, which clients put off by 40 ms.
struct PromptSocketPool: AsyncSocketPool {
  private let pool: any AsyncSocketPool = HTTPServer.defaultPool()

  func prepare() async throws {
    try await pool.prepare()
  }

  func run() async throws {
    try await pool.run()
  }

  func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
    // The listening socket comes here first, and those it accepts take the option over.
    try? socket.setValue(
      true, for: BoolSocketOption(level: Int32(IPPROTO_TCP), name: TCP_NODELAY))
    try await pool.suspendSocket(socket, untilReadyFor: events)
  }
}

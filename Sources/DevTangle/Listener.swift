import FlyingFox
import FlyingSocks
import Foundation

/// An HTTP server on one port of one address, which can be stopped and started again.
struct Listener: Sendable {
  private let server: HTTPServer
  private let run: Task<Void, any Error>
  /// The port it listens on.
  let port: UInt16

  /// A port that cannot be listened on.
  struct Failure: Error, CustomStringConvertible {
    var host: String
    var port: UInt16
    var reason: String

    var description: String {
      "Cannot listen on \(host):\(port): \(reason). Choose another port, or end what uses it."
    }
  }

  /// Listens; port 0 takes any that is free.
  static func start(
    host: String, port: UInt16,
    handler: @escaping @Sendable (FlyingFox.HTTPRequest) async -> FlyingFox.HTTPResponse
  ) async throws(Failure) -> Listener {
    let server: HTTPServer
    do {
      let address = try sockaddr_in.inet(ip4: host, port: port)
      // The time that a handler may take; answers can be made slow on purpose.
      server = HTTPServer(
        address: address, timeout: 600, pool: PromptSocketPool(), logger: .disabled)
    } catch {
      throw Failure(host: host, port: port, reason: "this is no IPv4 address")
    }
    await server.appendRoute("*") { request in await handler(request) }
    // `run` fails at once where the port is taken, and then nothing would ever be listening.
    // On a busy machine it may take its time.
    let listening = Task { try await server.waitUntilListening(timeout: 60) }
    let run = Task {
      do {
        try await server.run()
      } catch {
        listening.cancel()
        throw error
      }
    }
    do {
      try await listening.value
    } catch {
      run.cancel()
      let reason = await run.result
      throw Failure(host: host, port: port, reason: describe(reason))
    }
    guard case .ip4(_, let actual) = await server.listeningAddress else {
      run.cancel()
      throw Failure(host: host, port: port, reason: "the server has no address")
    }
    return Listener(server: server, run: run, port: actual)
  }

  private static func describe(_ result: Result<Void, any Error>) -> String {
    switch result {
    case .success: "the server ended at once"
    case .failure(let error as SocketError):
      if case .failed(_, let number, let message) = error {
        number == EADDRINUSE ? "the port is in use" : message
      } else {
        "\(error)"
      }
    case .failure(let error): "\(error)"
    }
  }

  /// Closes the port and all connections.
  func stop() async {
    await server.stop(timeout: 0)
    run.cancel()
    _ = await run.result
  }
}

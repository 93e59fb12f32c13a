import Foundation
import Synchronization

/// A node that passes requests on to another one, until it is told to misbehave.
public final class OddNode: Sendable {
  /// A request, and what answers it.
  public struct Exchange: Sendable {
    /// What the request came over.
    public let connection: LoopbackServer.Connection
    /// The head of the request.
    public let head: String
    /// The JSON-RPC method.
    public let method: String
    /// The body of the request.
    public let body: [UInt8]
    fileprivate let port: UInt16

    /// What the other node answers, to another request where one is given; nil where it does not.
    public func honestAnswer(to other: [UInt8]? = nil) -> [UInt8]? {
      LoopbackServer.ask(port: port, other ?? body)
    }

    /// Sends what the other node answers, changed as text.
    public func answer(_ change: (String) -> String) -> Bool {
      guard let honest = honestAnswer() else { return false }
      return connection.answer(Array(change(String(decoding: honest, as: UTF8.self)).utf8))
    }
  }

  /// Answers a request, and tells whether the connection is kept.
  public typealias Misbehaviour = @Sendable (Exchange) -> Bool

  private struct State {
    var misbehaviour: Misbehaviour?
    var connectionCount = 0
    var oddCount = 0
    var calls: [(method: String, at: ContinuousClock.Instant)] = []
    var port: UInt16
  }

  private final class Shared: Sendable {
    let state: Mutex<State>

    init(port: UInt16) {
      state = Mutex(State(port: port))
    }
  }

  private let shared: Shared
  private let server: LoopbackServer

  /// A relay to the node at a URL of this machine, well-behaved until it is told otherwise.
  public init(to url: String) throws {
    let shared = Shared(port: try Self.port(of: url))
    self.shared = shared
    server = try LoopbackServer { connection in
      shared.state.withLock { $0.connectionCount += 1 }
      while let request = connection.readRequest() {
        let text = String(decoding: request.body, as: UTF8.self)
        let method = text.firstMatch(of: /"method":"(\w+)"/).map { String($0.1) } ?? ""
        let (misbehaviour, port) = shared.state.withLock { state in
          state.calls.append((method, .now))
          if state.misbehaviour != nil { state.oddCount += 1 }
          return (state.misbehaviour, state.port)
        }
        let exchange = Exchange(
          connection: connection, head: request.head, method: method, body: request.body,
          port: port)
        if let misbehaviour {
          guard misbehaviour(exchange) else { return }
        } else {
          guard let answer = exchange.honestAnswer(), connection.answer(answer) else { return }
        }
      }
    }
  }

  private static func port(of url: String) throws -> UInt16 {
    guard let port = url.split(whereSeparator: { ":/".contains($0) }).last.flatMap({ UInt16($0) })
    else {
      throw POSIXError(.EINVAL)
    }
    return port
  }

  /// Its port on 127.0.0.1.
  public var port: UInt16 { server.port }

  /// The URL of its JSON-RPC, with a path.
  public func url(_ path: String = "/") -> String { server.url(path) }

  /// Has it misbehave, or behave again.
  public func misbehave(_ misbehaviour: Misbehaviour?) {
    shared.state.withLock {
      $0.misbehaviour = misbehaviour
      $0.oddCount = 0
    }
  }

  /// Has it pass requests on to another node.
  public func relay(to url: String) throws {
    let port = try Self.port(of: url)
    shared.state.withLock { $0.port = port }
  }

  /// How many requests came since it misbehaves.
  public var oddCount: Int { shared.state.withLock(\.oddCount) }

  /// How many connections were made to it.
  public var connectionCount: Int { shared.state.withLock(\.connectionCount) }

  /// The methods that were called, and when.
  public var calls: [(method: String, at: ContinuousClock.Instant)] {
    shared.state.withLock(\.calls)
  }
}

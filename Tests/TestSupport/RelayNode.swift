import Foundation
import Synchronization

/// A node that passes every request on to another one, and lies or hangs as it is told.
public final class RelayNode: Sendable {
  private struct State {
    var lieMs: Int64 = 0
    var isLyingAboutPayments = false
    var lie: PaymentLie?
    var isHanging = false
    var heldCount = 0
    var methods: [String] = []
    var mutedMethod: String?
    var passesMuted = false
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  private let shared = Shared()
  private let server: LoopbackServer

  /// The URL of its JSON-RPC.
  public var url: String { server.url() }

  /// A relay to the node at a URL of this machine, honest until it is told otherwise.
  public init(to url: String) throws {
    guard let port = url.split(separator: ":").last.flatMap({ UInt16($0) }) else {
      throw POSIXError(.EINVAL)
    }
    let shared = shared
    server = try LoopbackServer { connection in
      while let request = connection.readRequest() {
        let method = Self.method(of: request.body)
        let state = shared.state.withLock { state in
          state.methods.append(method)
          if state.isHanging { state.heldCount += 1 }
          return state
        }
        if state.isHanging { return connection.waitForClose() }
        if method == state.mutedMethod {
          if state.passesMuted { _ = LoopbackServer.ask(port: port, request.body) }
          shared.state.withLock { $0.heldCount += 1 }
          return connection.waitForClose()
        }
        guard let answer = LoopbackServer.ask(port: port, request.body) else { return }
        let isLie = method == "iota_getCheckpoint" || state.isLyingAboutPayments
        let told = isLie ? Self.skewed(answer, by: state.lieMs) : answer
        guard connection.answer(state.lie?.told(of: told) ?? told) else { return }
      }
    }
  }

  /// Has it add to the checkpoints' times, and to those of payments where that is wanted.
  public func lie(byMs lieMs: Int64, aboutPayments: Bool = false) {
    shared.state.withLock {
      $0.lieMs = lieMs
      $0.isLyingAboutPayments = aboutPayments
    }
  }

  /// Has it lie about payments, or tell the truth again.
  public func lie(_ lie: PaymentLie?) {
    shared.state.withLock { $0.lie = lie }
  }

  /// Has it answer nothing more, or answer again.
  public func hang(_ isHanging: Bool = true) {
    shared.state.withLock {
      $0.isHanging = isHanging
      $0.heldCount = 0
    }
  }

  /// Has it leave a method without an answer.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - passingOn: Whether the other node is asked nevertheless.
  public func mute(_ method: String, passingOn: Bool) {
    shared.state.withLock {
      $0.mutedMethod = method
      $0.passesMuted = passingOn
      $0.heldCount = 0
    }
  }

  /// How many requests were left without an answer since it hangs, or a method is mute.
  public var heldCount: Int { shared.state.withLock(\.heldCount) }

  /// How often a method was called.
  public func count(of method: String) -> Int {
    shared.state.withLock { $0.methods.count { $0 == method } }
  }

  private static func method(of body: [UInt8]) -> String {
    let text = String(decoding: body, as: UTF8.self)
    return text.firstMatch(of: /"method":"(\w+)"/).map { String($0.1) } ?? ""
  }

  private static func skewed(_ body: [UInt8], by lieMs: Int64) -> [UInt8] {
    let text = String(decoding: body, as: UTF8.self)
    return Array(
      text.replacing(/"timestampMs":"(\d+)"/) { match in
        "\"timestampMs\":\"\((Int64(match.1) ?? 0) + lieMs)\""
      }.utf8)
  }
}

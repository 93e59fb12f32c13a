import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SmartPlug

@Suite struct KasaPlugTests {
  /// A plug that hands each question, and how many there were before, to a closure; nil closes.
  private func server(
    _ answer: @escaping @Sendable (Int) -> [UInt8]?
  ) throws -> (server: LoopbackServer, connections: @Sendable () -> Int) {
    let counts = Counts()
    let server = try LoopbackServer { connection in
      counts.add(connection: true)
      while let request = Self.question(connection) {
        #expect(request == #"{"emeter":{"get_realtime":{}}}"#)
        guard let bytes = answer(counts.add(connection: false)), connection.send(bytes) else {
          return
        }
      }
    }
    return (server, { counts.connections })
  }

  private final class Counts: Sendable {
    private let state = Mutex((connections: 0, questions: 0))

    var connections: Int { state.withLock { $0.connections } }

    @discardableResult
    func add(connection: Bool) -> Int {
      state.withLock { state in
        if connection {
          state.connections += 1
          return state.connections - 1
        }
        state.questions += 1
        return state.questions - 1
      }
    }
  }

  private static func question(_ connection: LoopbackServer.Connection) -> String? {
    guard let head = connection.receive(4) else { return nil }
    let length = head.reduce(0) { $0 << 8 | Int($1) }
    guard length < 1000, let body = connection.receive(length) else { return nil }
    return String(decoding: KasaCipher.revealed(body), as: UTF8.self)
  }

  private static let new =
    #"{"emeter":{"get_realtime":{"voltage_mv":230100,"power_mw":41400,"total_wh":9,"err_code":0}}}"#

  private func kind(_ bytes: [UInt8]?) throws -> PlugError.Kind? {
    let (server, _) = try server { _ in bytes }
    return #expect(throws: PlugError.self) {
      try KasaPlug(address: "127.0.0.1:\(server.port)").read()
    }?.kind
  }

  @Test func `the disguise is that of the published examples`() {
    // From TP-Link's plugs: {"system":{"set_relay_state":{"state":1}}}, as base64.
    let known = "AAAAKtDygfiL/5r31e+UtsWg1Iv5nPCR6LfEsNGlwOLYo4HyhueT9tTu36Lfog=="
    let text = #"{"system":{"set_relay_state":{"state":1}}}"#
    #expect(KasaCipher.frame(text) == Data(base64Encoded: known).map { Array($0) })
    #expect(KasaCipher.revealed(KasaCipher.disguised(text)) == Array(text.utf8))
  }

  @Test func `milliwatts of new hardware and watts of the first are read, over one connection`()
    throws
  {
    let old = #"{"emeter":{"get_realtime":{"current":0.2,"power":41.4,"total":9,"err_code":0}}}"#
    let (server, connections) = try server { KasaCipher.frame($0 % 2 == 0 ? Self.new : old) }
    let plug = try KasaPlug(address: "localhost:\(server.port)") { 5 }
    for _ in 0..<4 {
      #expect(try plug.read() == PowerSample(milliwatts: 41_400, state: nil, takenAtMs: 5))
    }
    #expect(connections() == 1)
  }

  @Test func `a connection that the plug has closed meanwhile costs no reading`() throws {
    let server = try LoopbackServer { connection in
      guard Self.question(connection) != nil else { return }
      connection.send(KasaCipher.frame(Self.new))
    }
    let plug = try KasaPlug(address: "127.0.0.1:\(server.port)")
    for _ in 0..<5 { #expect(try plug.read().milliwatts == 41_400) }
  }

  @Test(arguments: [
    ("<html>", PlugError.Kind.unreadable), (#"{"emeter":{"get_realtime""#, .unreadable),
    (#"{"emeter":{"err_code":-1,"err_msg":"module not support"}}"#, .unreadable),
    (#"{"emeter":{"get_realtime":{"err_code":-1}}}"#, .refusal),
    (#"{"emeter":{"get_realtime":{"power_mw":-5,"err_code":0}}}"#, .implausible),
    (#"{"emeter":{"get_realtime":{"power_mw":1e12,"err_code":0}}}"#, .implausible),
    (#"{"emeter":{"get_realtime":{"power":NaN,"err_code":0}}}"#, .unreadable),
    ("", .unreadable),
  ])
  func `a bad answer is an error of its kind, never a value`(
    text: String, expected: PlugError.Kind
  ) throws {
    #expect(try kind(KasaCipher.frame(text)) == expected)
  }

  @Test func `a broken connection, and an answer without end, are errors`() throws {
    #expect(try kind(nil) == .noAnswer)
    #expect(try kind([0, 0]) == .noAnswer)
    #expect(try kind([0xFF, 0xFF, 0xFF, 0xFF]) == .tooLarge)
    #expect(try kind([0, 0x98, 0x96, 0x80]) == .tooLarge)
    let deaf = try LoopbackServer.deafPort()
    let error = #expect(throws: PlugError.self) {
      try KasaPlug(address: "127.0.0.1:\(deaf)").read()
    }
    #expect(error?.kind == .noAnswer)
    #expect(error?.description.contains("Third-Party Compatibility") == true)
  }

  @Test func `cancel ends a running read`() throws {
    let isAsked = DispatchSemaphore(value: 0)
    let server = try LoopbackServer { connection in
      _ = Self.question(connection)
      isAsked.signal()
      connection.waitForClose()
    }
    let plug = try KasaPlug(address: "127.0.0.1:\(server.port)")
    let kind = Mutex<PlugError.Kind?>(nil)
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      do throws(PlugError) {
        _ = try plug.read()
      } catch {
        kind.withLock { $0 = error.kind }
      }
      ended.signal()
    }
    #expect(isAsked.wait(timeout: .now() + 20) == .success)
    plug.cancel()
    #expect(ended.wait(timeout: .now() + 20) == .success)
    #expect(kind.withLock { $0 } == .cancelled)
  }

  @Test(arguments: ["", "a b", "http://a", "a:0", "a:99999", "a/b"])
  func `what is no host is refused`(address: String) {
    #expect(throws: PlugError.self) { try KasaPlug(address: address) }
  }
}

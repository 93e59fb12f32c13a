import DevPlug
import Foundation
import HTTP
import SmartPlug
import Synchronization
import TestSupport
import Testing

@Suite struct WeMoInsightTests {
  private func plug(_ faults: Set<Fault> = []) throws -> DevPlug {
    var options = DevPlug.Options()
    options.port = 0
    options.curve = .fixed(mW: 41_400)
    let plug = try DevPlug(options)
    try plug.setFaults(faults)
    return plug
  }

  private func kind(of faults: Set<Fault>) throws -> PlugError.Kind? {
    let plug = try plug(faults)
    defer { plug.stop() }
    return #expect(throws: PlugError.self) { try WeMoInsight(url: plug.url).read() }?.kind
  }

  @Test func `power, state and time come from the plug`() throws {
    let plug = try plug()
    defer { plug.stop() }
    let insight = try WeMoInsight(url: plug.url) { 12_345 }
    #expect(
      try insight.read() == PowerSample(milliwatts: 41_400, state: .on, takenAtMs: 12_345))
    plug.setCurve(.fixed(mW: 1190))
    #expect(try insight.read().state == .standby)
    plug.turn(on: false)
    // The plug still reports 1190 mW for a second.
    #expect(
      try insight.read() == PowerSample(milliwatts: 0, state: .off, takenAtMs: 12_345))
    #expect(plug.load.mostAtOnce == 1)
  }

  @Test(
    arguments: [[.tenFields], [.wrongNamespace], [.slow(ms: 300)], [.stalePower]] as [Set<Fault>])
  func `quirks do not disturb it`(faults: Set<Fault>) throws {
    let plug = try plug(faults)
    defer { plug.stop() }
    #expect(try WeMoInsight(url: plug.url).read().milliwatts == 41_400)
  }

  @Test(
    arguments: [
      (.serverError, .refusal), (.html, .unreadable), (.truncated, .unreadable),
      (.cutOff, .noAnswer), (.entityBomb, .unreadable), (.huge, .tooLarge),
      (.wedged, .noAnswer), (.slow(ms: 5000), .noAnswer), (.refused(ms: nil), .noAnswer),
      (.fiveFields, .unreadable), (.absurd, .implausible), (.negative, .implausible),
      (.notANumber, .unreadable),
    ] as [(Fault, PlugError.Kind)])
  func `each fault is an error of its kind, never a value`(
    fault: Fault, expected: PlugError.Kind
  ) throws {
    #expect(try kind(of: [fault]) == expected)
  }

  @Test func `a plug that does not answer is given up within its time`() throws {
    let plug = try plug([.wedged])
    defer { plug.stop() }
    let start = ContinuousClock.now
    #expect(throws: PlugError.self) { try WeMoInsight(url: plug.url).read() }
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func `cancel ends a running read and all later ones`() throws {
    let plug = try plug([.wedged])
    defer { plug.stop() }
    let insight = try WeMoInsight(url: plug.url)
    let outcome = Mutex<PlugError.Kind?>(nil)
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      do throws(PlugError) {
        _ = try insight.read()
      } catch {
        outcome.withLock { $0 = error.kind }
      }
      ended.signal()
    }
    while plug.load.requests == 0 { sched_yield() }
    insight.cancel()
    #expect(ended.wait(timeout: .now() + 2) == .success)
    #expect(outcome.withLock { $0 } == .cancelled)
    let later = #expect(throws: PlugError.self) { try insight.read() }
    #expect(later?.kind == .cancelled)
  }

  @Test func `the request is what the plug wants`() throws {
    let heads = Mutex<[String]>([])
    let server = try LoopbackServer { connection in
      guard let request = connection.readRequest() else { return }
      heads.withLock { $0.append(request.head) }
      connection.answer(status: "500 Internal Server Error", [])
      connection.waitForClose()
    }
    #expect(throws: PlugError.self) {
      try WeMoInsight(url: "http://localhost:\(server.port)/setup.xml").read()
    }
    let head = heads.withLock { $0.first ?? "" }
    #expect(head.hasPrefix("POST /upnp/control/insight1 HTTP/1.1\r\n"))
    #expect(head.contains("\r\nSOAPACTION: \"urn:Belkin:service:insight:1#GetInsightParams\"\r\n"))
    #expect(head.contains("\r\nHost: 127.0.0.1:\(server.port)\r\n"))
    #expect(head.contains("\r\nContent-Type: text/xml"))
    #expect(!head.lowercased().contains("expect:") && !head.lowercased().contains("chunked"))
  }

  @Test func `it reads an Insight that was written apart from ours`() throws {
    let simulator = try Simulator()
    defer { simulator.stop() }
    let insight = try WeMoInsight(url: simulator.url.replacing("127.0.0.1", with: "localhost"))
    let values = try (0..<8).map { _ in try insight.read().milliwatts }
    #expect(values == [41_400, 642_585, 1190, 0, 0, 940_670, 723_945, 723_945])
    let report = try HTTPClient().send(HTTPRequest(url: simulator.url + "/report"))
    #expect(
      String(decoding: report.body, as: UTF8.self)
        == #"{"answered": 8, "complaints": [], "most_at_once": 1}"#)
  }
}

/// The Insight of Tests/Judges/insight_simulator.py, in a process of its own.
private final class Simulator {
  let url: String
  private let process = Subprocess()

  init() throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Judges/insight_simulator.py")
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    url = line.trimmingCharacters(in: .whitespacesAndNewlines)
    try #require(url.hasPrefix("http://"), "the simulator did not start")
  }

  func stop() {
    // Not SIGTERM: a child of a Dispatch thread inherits its mask, which blocks that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}

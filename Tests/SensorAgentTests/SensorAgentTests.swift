import Foundation
import MQTTClient
import Synchronization
import TestSupport
import Testing

/// The command itself, in a process of its own, between a plug and a real Mosquitto.
@Suite(.timeLimit(.minutes(2))) struct SensorAgentTests {
  /// An Insight that answers with what a closure says; nil: closes without an answer.
  private static func insight(_ milliwatts: @escaping @Sendable () -> Int?) throws -> LoopbackServer
  {
    try LoopbackServer { connection in
      guard connection.readRequest() != nil, let mW = milliwatts() else { return }
      let params = "1|1611532924|231|300|183183|1209600|8|\(mW)|1164707|99830512.000000|8000"
      let body =
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\n"
        + "<u:GetInsightParamsResponse xmlns:u=\"urn:Belkin:service:metainfo:1\">\r\n"
        + "<InsightParams>\(params)</InsightParams>\r\n"
        + "</u:GetInsightParamsResponse>\r\n</s:Body> </s:Envelope>"
      connection.answer(Array(body.utf8))
    }
  }

  private func start(_ arguments: String..., errors: Pipe = Pipe()) throws -> Process {
    let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let process = Process()
    process.executableURL = folder.appending(path: "sensor-agent")
    process.arguments = arguments
    process.standardError = errors
    try process.run()
    return process
  }

  private func next(_ topic: String, _ client: MQTTClient) -> MQTTMessage? {
    for _ in 0..<100 {
      guard let message = client.nextMessage(timeoutMs: 20_000) else { return nil }
      if message.topic == topic { return message }
    }
    return nil
  }

  @Test func `it publishes, goes offline with the plug, comes back, and says goodbye`() throws {
    let power = Mutex<Int?>(41_400)
    let plug = try Self.insight { power.withLock { $0 } }
    let broker = try TestBroker()
    let watcher = try broker.client()
    try watcher.subscribe(to: "sensor/#", qos: .atLeastOnce)
    let agent = try start(
      "--plug", "http://localhost:\(plug.port)", "--host", "127.0.0.1", "--port",
      "\(broker.port)", "--silence-ms", "1000", "--interval-ms", "200")
    defer { kill(agent.processIdentifier, SIGKILL) }
    #expect(next("sensor/live", watcher)?.text == "41400")
    #expect(next("sensor/1m", watcher)?.text == "41400")
    power.withLock { $0 = nil }
    #expect(next("sensor/status", watcher)?.text == "offline")
    power.withLock { $0 = 5 }
    #expect(next("sensor/status", watcher)?.text == "online")
    #expect(next("sensor/live", watcher)?.text == "5")
    kill(agent.processIdentifier, SIGTERM)
    #expect(next("sensor/status", watcher)?.text == "offline")
    agent.waitUntilExit()
    #expect(agent.terminationStatus == 0 && agent.terminationReason == .exit)
    let late = try broker.client()
    try late.subscribe(to: "sensor/#")
    var retained: [String: String] = [:]
    while let message = late.nextMessage(timeoutMs: 300) { retained[message.topic] = message.text }
    #expect(retained.keys.sorted() == ["sensor/1m", "sensor/status"])
    #expect(retained["sensor/status"] == "offline")
  }

  @Test func `killed, its last will says offline`() throws {
    let plug = try Self.insight { 1000 }
    let broker = try TestBroker()
    let watcher = try broker.client()
    try watcher.subscribe(to: "sensor/status")
    let agent = try start(
      "--plug", plug.url(""), "--host", "127.0.0.1", "--port", "\(broker.port)")
    var status = next("sensor/status", watcher)
    while status?.text == "offline" { status = next("sensor/status", watcher) }
    #expect(status?.text == "online")
    kill(agent.processIdentifier, SIGKILL)
    #expect(next("sensor/status", watcher)?.text == "offline")
    agent.waitUntilExit()
  }

  @Test func `SIGINT ends it at once, though plug and broker do not answer`() throws {
    let asked = DispatchSemaphore(value: 0)
    let plug = try LoopbackServer { connection in
      asked.signal()
      connection.waitForClose()
    }
    let agent = try start(
      "--plug", plug.url(""), "--host", "127.0.0.1", "--port", "\(try TestBroker.freePort())")
    defer { kill(agent.processIdentifier, SIGKILL) }
    #expect(asked.wait(timeout: .now() + 20) == .success)
    let start = ContinuousClock.now
    kill(agent.processIdentifier, SIGINT)
    agent.waitUntilExit()
    #expect(agent.terminationStatus == 0)
    #expect(ContinuousClock.now - start < .seconds(2.5))
  }

  @Test func `what it cannot start with is one sentence and an exit code`() throws {
    let errors = Pipe()
    let agent = try start("--host", "127.0.0.1", errors: errors)
    agent.waitUntilExit()
    let text = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
    #expect(agent.terminationStatus != 0)
    #expect(text.hasPrefix("Error: No plug is given;") && !text.dropLast().contains("\n"))
  }
}

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

  private func start(
    _ arguments: String..., errors: Pipe = Pipe(), output: Pipe? = nil
  ) throws -> Subprocess {
    let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let process = Subprocess()
    process.executableURL = folder.appending(path: "sensor-agent")
    process.arguments = arguments
    process.standardError = errors
    if let output { process.standardOutput = output }
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

  @Test func `several plugs share a connection, and each has its own topics, unit and format`()
    throws
  {
    let broker = try TestBroker()
    let folder = try Scratch()
    let plug = try Self.insight { 41_400 }
    let config = try folder.write(
      """
      [broker]
      host = "127.0.0.1"
      port = \(broker.port)
      [[plug]]
      name = "a"
      url = "\(plug.url(""))"
      unit = "W"
      home_assistant = true
      [[plug]]
      name = "b"
      source = "sim"
      curve = "steps"
      watts = [7]
      format = "json"
      [[plug]]
      name = "c"
      source = "mqtt"
      topic = "meter"
      scale = 0.001
      """, to: "agent.toml")
    let watcher = try broker.client { $0.protocolVersion = .v5 }
    for filter in ["sensor/#", "homeassistant/#"] { try watcher.subscribe(to: filter) }
    let agent = try start("--config", config)
    defer { kill(agent.processIdentifier, SIGKILL) }
    var seen: [String: MQTTMessage] = [:]
    let wanted = [
      "sensor/a/live", "sensor/a/1m", "sensor/a/status", "sensor/b/live", "sensor/c/live",
      "sensor/agent", "homeassistant/sensor/a/config",
    ]
    let isComplete = try eventually {
      try watcher.publish(MQTTMessage(topic: "meter", text: "5000"))
      while let message = watcher.nextMessage(timeoutMs: 100) { seen[message.topic] = message }
      return wanted.allSatisfy { seen[$0] != nil }
    }
    #expect(isComplete, "\(seen.keys.sorted())")
    #expect(seen["sensor/a/live"]?.text == "41.400")
    #expect(seen["sensor/a/live"]?.properties.contentType == "text/plain")
    #expect(seen["sensor/a/live"]?.properties.expiryS != nil)
    #expect(seen["sensor/b/live"]?.text.contains(#""power":7000"#) == true)
    #expect(seen["sensor/b/live"]?.properties.contentType == "application/json")
    #expect(seen["sensor/c/live"]?.text == "5000")
    kill(agent.processIdentifier, SIGKILL)
    agent.waitUntilExit()
    // One connection has one will, which is then the agent's own.
    #expect(next("sensor/agent", watcher)?.text == "offline")
  }

  @Test func `check tells what is well and what is not, and publishes nothing`() throws {
    let broker = try TestBroker()
    let folder = try Scratch()
    let deaf = try LoopbackServer.deafPort()
    let config = try folder.write(
      """
      [broker]
      host = "127.0.0.1"
      port = \(broker.port)
      [[plug]]
      name = "good"
      source = "sim"
      curve = "steps"
      watts = [7]
      [[plug]]
      name = "bad"
      source = "kasa"
      host = "127.0.0.1:\(deaf)"
      """, to: "agent.toml")
    let watcher = try broker.client()
    try watcher.subscribe(to: "#")
    let output = Pipe()
    let check = try start("check", "--config", config, output: output)
    let text = String(
      decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    check.waitUntilExit()
    #expect(check.terminationStatus == 1)
    let lines = text.split(separator: "\n")
    #expect(lines.map { $0.prefix(4) } == ["ok  ", "ok  ", "ok  ", "FAIL"], "\(text)")
    #expect(lines.last?.contains("refuses the connection") == true)
    #expect(watcher.nextMessage(timeoutMs: 200) == nil)
  }

  @Test func `a dry run prints, and needs no broker`() throws {
    let folder = try Scratch()
    let config = try folder.write(
      "[broker]\nport = \(try TestBroker.freePort())\n[[plug]]\nsource = \"sim\"\n", to: "a.toml")
    let output = Pipe()
    let agent = try start("run", "--dry-run", "--config", config, output: output)
    var text = ""
    while !text.contains("sensor/1m (retained) 20") {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { break }
      text += String(decoding: data, as: UTF8.self)
    }
    #expect(text.contains("sensor/live 20") && text.contains("sensor/status (retained) online"))
    kill(agent.processIdentifier, SIGTERM)
    agent.waitUntilExit()
    #expect(agent.terminationStatus == 0)
  }

  @Test func `discover prints JSON when it is piped`() throws {
    let output = Pipe()
    let discover = try start("discover", "--timeout", "0.1", output: output)
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    discover.waitUntilExit()
    #expect(discover.terminationStatus == 0)
    #expect(try JSONSerialization.jsonObject(with: data) is [[String: Any]])
  }
}

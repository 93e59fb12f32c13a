import ArgumentParser
import Foundation
import MQTTClient
import TOML
import Testing

@testable import sensor_agent

@Suite struct SettingsTests {
  private func read(_ text: String) throws -> AgentSettings {
    try SettingsFile.settings(text, path: "agent.toml")
  }

  @Test func `a whole file is read`() throws {
    let settings = try read(
      """
      [broker]
      host = "plug.example"
      port = 8884
      username = "sensor-agent"
      password_file = "/etc/sensor-agent.password"
      cafile = "/etc/ca.pem"
      client_id = "jane"

      [[plug]]
      source = "wemo"
      url = "http://192.168.1.20:49153"
      interval_ms = 1000
      silence_ms = 9000
      average = "ema"
      topic_live = "a/live"
      topic_average = "a/1m"
      topic_status = "a/status"
      """)
    var expected = AgentSettings()
    expected.broker = BrokerSettings(
      host: "plug.example", port: 8884, username: "sensor-agent",
      passwordFile: "/etc/sensor-agent.password", caFile: "/etc/ca.pem", clientID: "jane")
    expected.plug = PlugSettings(
      url: "http://192.168.1.20:49153", intervalMs: 1000, silenceMs: 9000, average: .ema,
      liveTopic: "a/live", averageTopic: "a/1m", statusTopic: "a/status")
    #expect(settings == expected)
  }

  @Test func `an empty file is all defaults, and lacks only the plug`() throws {
    let settings = try read("")
    #expect(settings == AgentSettings())
    let error = #expect(throws: AgentError.self) { try settings.check() }
    #expect(error?.description.contains("--plug") == true)
  }

  @Test(arguments: [
    ("[broker\n", ":1: "),
    ("\n[brokers]\nhost = \"a\"", ":2: brokers: unknown key"),
    ("[broker]\nhost = \"a\"\nhots = \"a\"", ":3: broker.hots: unknown key"),
    ("[broker]\nport = 70000", ":2: broker.port: expected a whole number from 1 to 65535"),
    ("# port = 1\n[broker]\n\n\tport = \"1883\"", ":4: broker.port: expected"),
    ("[broker]\nhost = 5", ":2: broker.host: expected a string"),
    ("[broker]\nhost = \"\"", ":2: broker.host: is empty"),
    ("[broker]\ntls = \"yes\"", ":2: broker.tls: expected true or false"),
    ("[broker]\npassword = \"hunter2\"", ":2: broker.password: unknown key"),
    ("[[plug]]\naverage = \"median\"", ":2: plug.average: is \"median\", but must be one of"),
    ("[[plug]]\nsource = \"kasa\"", ":2: plug.source: is \"kasa\""),
    ("[[plug]]\nurl = \"a\"\ninterval_ms = 99", ":3: plug.interval_ms: expected"),
    ("[plug]\nurl = \"a\"", ":1: plug: expected a list of tables; begin each with a line [[plug]]"),
    ("[[plug]]\n[[plug]]\n", ":1: plug: there is more than one [[plug]]"),
    ("broker = 5\n", ":1: broker: expected a table"),
    ("broker = { host = 5 }\n", ":1: broker.host: expected a string"),
  ])
  func `an error names file, line and key`(text: String, expected: String) {
    let error = #expect(throws: TOMLError.self) { try read(text) }
    let description = error?.description ?? ""
    #expect(description.hasPrefix("agent.toml\(expected)"), "\(description)")
    #expect(!description.contains("hunter2"))
  }

  @Test func `topics must be topics, and differ`() {
    for topic in ["", "a/#", "+", "sensor/1m"] {
      var settings = AgentSettings()
      settings.plug.url = "http://192.168.1.20"
      settings.plug.liveTopic = topic
      #expect(throws: AgentError.self) { try settings.check() }
    }
    var settings = AgentSettings()
    settings.plug.url = "http://192.168.1.20"
    settings.plug.intervalMs = 5000
    #expect(throws: AgentError.self) { try settings.check() }
  }

  @Test func `the password comes from the first line of a file, or the environment`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    var broker = BrokerSettings()
    let environment = [BrokerSettings.passwordVariable: "from the environment"]
    #expect(try broker.options(environment: [:]).password == nil)
    #expect(try broker.options(environment: environment).password == "from the environment")
    broker.passwordFile = file.path
    #expect(throws: AgentError.self) { try broker.options(environment: environment) }
    try "hunter 2 \r\nsecond".write(to: file, atomically: true, encoding: .utf8)
    #expect(try broker.options(environment: environment).password == "hunter 2 ")
    try "\n".write(to: file, atomically: true, encoding: .utf8)
    let error = #expect(throws: AgentError.self) { try broker.options(environment: environment) }
    #expect(error?.description.contains(file.path) == true)
  }

  @Test func `TLS changes the port`() throws {
    var broker = BrokerSettings()
    #expect(try broker.options(environment: [:]).port == 1883)
    broker.usesTLS = true
    #expect(try broker.options(environment: [:]).port == 8883)
    broker.port = 1
    #expect(try broker.options(environment: [:]).port == 1)
  }

  @Test func `flags win over the file`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    try "[broker]\nhost = \"a\"\nport = 1\n[[plug]]\nurl = \"http://b\"\nsilence_ms = 7000"
      .write(to: file, atomically: true, encoding: .utf8)
    let command = try SensorAgent.parse([
      "--config", file.path, "--host", "c", "--interval-ms", "250", "--average", "ema",
    ])
    let settings = try command.settings()
    #expect(settings.broker.host == "c" && settings.broker.port == 1)
    #expect(settings.plug.url == "http://b" && settings.plug.silenceMs == 7000)
    #expect(settings.plug.intervalMs == 250 && settings.plug.average == .ema)
    for wrong in [["--average", "x"], ["--interval-ms", "5"], ["--silence-ms", "0"]] {
      let command = try SensorAgent.parse(wrong)
      #expect(throws: AgentError.self) { try command.settings() }
    }
  }
}

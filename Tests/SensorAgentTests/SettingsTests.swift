import ArgumentParser
import Foundation
import MQTTClient
import SmartPlug
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
    expected.plugs = [
      PlugSettings(
        source: .wemo(url: "http://192.168.1.20:49153", udn: nil), intervalMs: 1000,
        silenceMs: 9000, average: .ema, givenLiveTopic: "a/live", givenAverageTopic: "a/1m",
        givenStatusTopic: "a/status")
    ]
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
    ("[[plug]]\nsource = \"tapo\"", ":2: plug.source: is \"tapo\""),
    ("[[plug]]\nsource = \"kasa\"", ":1: plug.host: is missing"),
    ("[[plug]]\nsource = \"kasa\"\nhost = \"a\"\nurl = \"b\"", ":4: plug.url: unknown key"),
    ("[[plug]]\nsource = \"http-json\"\nurl = \"a\"\npointer = \"b\"", ":4: plug.pointer: is no"),
    ("[[plug]]\nsource = \"mqtt\"\ntopic = \"a\"\nscale = 0", ":4: plug.scale: expected a number"),
    ("[[plug]]\nsource = \"sim\"\ncurve = \"steps\"", ":1: plug.watts: is missing"),
    ("[[plug]]\nsource = \"sim\"\ncurve = \"steps\"\nwatts = [1, -1]", ":4: plug.watts: expected"),
    ("[[plug]]\nsource = \"sim\"\ncurve = \"csv\"\nfile = \"/none\"", ":4: plug.file: cannot be"),
    ("[[plug]]\nsource = \"mqtt\"\ntopic = \"a\"\n[plug.broker]\nx = 1", ":5: plug.broker.x: unk"),
    ("[[plug]]\nunit = \"kW\"", ":2: plug.unit: is \"kW\", but must be one of: mW, W"),
    ("[[plug]]\nurl = \"a\"\ninterval_ms = 99", ":3: plug.interval_ms: expected"),
    ("[plug]\nurl = \"a\"", ":1: plug: expected a list of tables; begin each with a line [[plug]]"),
    ("broker = 5\n", ":1: broker: expected a table"),
    ("broker = { host = 5 }\n", ":1: broker.host: expected a string"),
  ])
  func `an error names file, line and key`(text: String, expected: String) {
    let error = #expect(throws: TOMLError.self) { try read(text) }
    let description = error?.description ?? ""
    #expect(description.hasPrefix("agent.toml\(expected)"), "\(description)")
    #expect(!description.contains("hunter2"))
  }

  private static let insight = SourceSettings.wemo(url: "http://192.168.1.20", udn: nil)

  @Test func `topics must be topics, and differ`() {
    let odd = [
      "a\u{1}", "a\n", String(decoding: [0xEF, 0xBF, 0xBF], as: UTF8.self),
      String(repeating: "/", count: 201),
    ]
    for topic in ["", "a/#", "+", "sensor/1m"] + odd {
      var settings = AgentSettings()
      settings.plugs = [PlugSettings(source: Self.insight, givenLiveTopic: topic)]
      #expect(throws: AgentError.self) { try settings.check() }
    }
    var settings = AgentSettings()
    settings.plugs = [PlugSettings(source: Self.insight, intervalMs: 5000)]
    #expect(throws: AgentError.self) { try settings.check() }
  }

  @Test(arguments: ["a/#/b", "a+", "", "a\u{7F}", String(repeating: "/", count: 201)])
  func `a topic to read must be one that a broker takes`(topic: String) throws {
    var settings = AgentSettings()
    settings.plugs = [PlugSettings(source: .mqtt(topic: "a/+/#", .init(), nil))]
    try settings.check()
    settings.plugs = [PlugSettings(source: .mqtt(topic: topic, .init(), nil))]
    #expect(throws: AgentError.self) { try settings.check() }
  }

  @Test func `several plugs need names, and have topics of their own`() throws {
    var settings = AgentSettings()
    settings.plugs = [
      PlugSettings(name: "a", source: Self.insight), PlugSettings(source: Self.insight),
    ]
    #expect(throws: AgentError.self) { try settings.check() }
    settings.plugs[1].name = "a"
    #expect(throws: AgentError.self) { try settings.check() }
    settings.plugs[1].name = "a/b"
    #expect(throws: AgentError.self) { try settings.check() }
    settings.plugs[1].name = "b-2"
    try settings.check()
    #expect(settings.plugs[1].topics == ["sensor/b-2/live", "sensor/b-2/1m", "sensor/b-2/status"])
    #expect(settings.willTopic == "sensor/agent")
    settings.plugs[1].givenStatusTopic = "sensor/agent"
    #expect(throws: AgentError.self) { try settings.check() }
    settings.plugs.removeLast()
    #expect(settings.willTopic == "sensor/a/status")
  }

  @Test func `HomeWizard is not asked more often than its maker wants`() {
    var settings = AgentSettings()
    let source = SourceSettings.preset(.homewizard, .init(url: "http://192.168.1.20"))
    settings.plugs = [PlugSettings(source: source, intervalMs: 400)]
    #expect(throws: AgentError.self) { try settings.check() }
  }

  @Test func `every kind of source is read`() throws {
    let settings = try read(
      """
      [broker]
      mqtt = "3.1.1"
      topic_agent = "x"
      [[plug]]
      name = "a"
      udn = "uuid:Insight-1_0-1"
      unit = "W"
      format = "json"
      home_assistant = true
      expiry_s = 0
      [[plug]]
      name = "b"
      source = "http-json"
      preset = "shelly2"
      url = "http://192.168.1.21"
      password_file = "/p"
      channel = 1
      [[plug]]
      name = "c"
      source = "http-json"
      url = "http://192.168.1.22/x"
      pointer = "/a/0"
      scale = 0.001
      login = "digest"
      [[plug]]
      name = "d"
      source = "mqtt"
      topic = "z/plug"
      pointer = "/power"
      [plug.broker]
      host = "other"
      [[plug]]
      name = "e"
      source = "kasa"
      host = "192.168.1.23"
      [[plug]]
      name = "f"
      source = "sim"
      curve = "steps"
      watts = [1, 2.5]
      step_s = 2
      """)
    try settings.check()
    #expect(settings.broker.version == .v311 && settings.willTopic == "x")
    let account = SourceSettings.Account(
      url: "http://192.168.1.21", passwordFile: "/p", channel: 1)
    let place = SourceSettings.Place(pointer: "/a/0", scale: 0.001)
    let expected: [SourceSettings] = [
      .wemo(url: nil, udn: "uuid:Insight-1_0-1"), .preset(.shelly2, account),
      .httpJSON(.init(url: "http://192.168.1.22/x"), place, usesDigest: true),
      .mqtt(topic: "z/plug", .init(pointer: "/power"), BrokerSettings(host: "other")),
      .kasa(address: "192.168.1.23"), .sim(.steps(watts: [1, 2.5], eachS: 2)),
    ]
    #expect(settings.plugs.map(\.source) == expected)
    let first = settings.plugs[0]
    #expect(first.unit == .watts && first.format == .json && first.expiryS == 0)
    #expect(first.announcesToHomeAssistant)
  }

  @Test func `the example says what it means`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../plugin/sensor-agent.toml.example")
    let text = try String(contentsOf: file, encoding: .utf8)
    try read(text).check()
    // Each line that is commented out, uncommented.
    let all = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.wholeMatch(of: /#(\[.*|[a-z_]+ *= .*)/).map { String($0.1) } ?? String(line)
    }.joined(separator: "\n").replacing("/etc/power.csv", with: try csv())
    try read(all).check()
  }

  private func csv() throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try "0,1\n5,2\n".write(to: file, atomically: true, encoding: .utf8)
    return file.path
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
    let flags = try AgentFlags.parse([
      "--config", file.path, "--host", "c", "--interval-ms", "250", "--average", "ema",
    ])
    let settings = try flags.settings()
    #expect(settings.broker.host == "c" && settings.broker.port == 1)
    let plug = try #require(settings.plugs.first)
    #expect(plug.source == .wemo(url: "http://b", udn: nil) && plug.silenceMs == 7000)
    #expect(plug.intervalMs == 250 && plug.average == .ema)
    for wrong in [["--average", "x"], ["--interval-ms", "5"], ["--silence-ms", "0"]] {
      let flags = try AgentFlags.parse(wrong)
      #expect(throws: AgentError.self) { try flags.settings() }
    }
    try "[[plug]]\nname = \"a\"\n[[plug]]\nname = \"b\""
      .write(to: file, atomically: true, encoding: .utf8)
    let several = try AgentFlags.parse(["--config", file.path, "--plug", "http://c"])
    #expect(throws: AgentError.self) { try several.settings() }
  }
}

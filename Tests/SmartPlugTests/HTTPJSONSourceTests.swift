import Foundation
import SmartPlug
import Synchronization
import TestSupport
import Testing

@Suite struct HTTPJSONSourceTests {
  /// A server that answers everything with one text, and the heads of the requests.
  private final class Server: Sendable {
    private let heads = Mutex<[String]>([])
    private let server = Mutex<LoopbackServer?>(nil)

    init(_ text: String, status: String = "200 OK") throws {
      let loopback = try LoopbackServer { connection in
        while let request = connection.readRequest() {
          self.heads.withLock { $0.append(request.head) }
          connection.answer(status: status, Array(text.utf8))
        }
      }
      server.withLock { $0 = loopback }
    }

    var url: String { server.withLock { $0?.url("") ?? "" } }
    var head: String { heads.withLock { $0.last ?? "" } }
    var path: String { String(head.split(separator: " ").dropFirst().first ?? "") }
  }

  @Test(arguments: [
    (HTTPJSONPreset.shelly1, "/meter/0", #"{"power":41.4,"is_valid":true,"total":9}"#),
    (
      .shelly2, "/rpc/Switch.GetStatus?id=0",
      #"{"id":0,"source":"WS_in","output":true,"apower":41.4,"voltage":230.1}"#
    ),
    (
      .tasmota, "/cm?cmnd=Status%208",
      #"{"StatusSNS":{"Time":"2026-11-22T18:05:00","ENERGY":{"Total":3.1,"Power":41.4}}}"#
    ),
    (.homewizard, "/api/v1/data", #"{"wifi_ssid":"x","active_power_w":41.4}"#),
    (
      .homeassistant, "/api/states/sensor.plug_power",
      #"{"state":"41.4","attributes":{"unit_of_measurement":"W"}}"#
    ),
  ])
  func `each preset asks its path and reads its answer`(
    preset: HTTPJSONPreset, path: String, answer: String
  ) throws {
    let server = try Server(answer)
    var plug = HTTPJSONPreset.Plug(url: server.url)
    plug.entity = "sensor.plug_power"
    plug.token = "secret-token"
    let source = try preset.source(plug) { 77 }
    let sample = try source.read()
    #expect(sample.milliwatts == 41_400 && sample.takenAtMs == 77)
    #expect(sample.state == (preset == .shelly2 ? .on : nil))
    #expect(server.path == path)
    #expect(
      server.head.contains("Authorization: Bearer secret-token") == (preset == .homeassistant))
    #expect(source.name == server.url)
  }

  @Test func `a password goes where each kind of plug wants it, and into no error`() throws {
    let server = try Server("no", status: "401 Unauthorized")
    var plug = HTTPJSONPreset.Plug(url: server.url)
    plug.password = "p&s w%rd"
    var error = #expect(throws: PlugError.self) { try HTTPJSONPreset.tasmota.source(plug).read() }
    #expect(server.path == "/cm?cmnd=Status%208&user=admin&password=p%26s%20w%25rd")
    #expect(
      error?.description.contains("p&s") == false && error?.description.contains("p%26s") == false)
    #expect(error?.kind == .refusal)
    error = #expect(throws: PlugError.self) { try HTTPJSONPreset.shelly1.source(plug).read() }
    let basic = Data("admin:p&s w%rd".utf8).base64EncodedString()
    #expect(server.head.contains("Authorization: Basic \(basic)"))
    #expect(error?.description.contains("password or the token is wrong") == true)
    #expect(error?.description.contains(basic) == false)
  }

  @Test(arguments: [
    "192.168.1.20", "ftp://a", "http://", "http://a/b", "http://user:pw@a", "http://a?x",
    "http://a b",
  ])
  func `what is no URL of a plug is refused without its secrets`(url: String) {
    for preset in HTTPJSONPreset.allCases {
      let error = #expect(throws: PlugError.self) { try preset.source(.init(url: url)) }
      #expect(error?.kind == .badAddress && error?.description.contains("pw") == false)
    }
  }

  @Test func `an answer of ten megabytes is not kept`() throws {
    let server = try Server(
      #"{"power":1,"is_valid":true,"x":""# + String(repeating: "x", count: 10_000_000) + #""}"#)
    let error = #expect(throws: PlugError.self) {
      try HTTPJSONPreset.shelly1.source(.init(url: server.url)).read()
    }
    #expect(error?.kind == .tooLarge)
  }

  @Test(arguments: [
    ("<html>hello</html>", "200 OK", PlugError.Kind.unreadable),
    (#"{"power":"#, "200 OK", .unreadable), ("", "200 OK", .unreadable),
    (#"{"power":-41,"is_valid":true}"#, "200 OK", .implausible),
    (#"{"power":41,"is_valid":false}"#, "200 OK", .unreadable),
    (#"{"power":41,"is_valid":true}"#, "500 Oops", .refusal),
    (#"{"power":41,"is_valid":true}"#, "302 Found", .refusal),
  ])
  func `a bad answer is an error of its kind, never a value`(
    text: String, status: String, kind: PlugError.Kind
  ) throws {
    let server = try Server(text, status: status)
    let error = #expect(throws: PlugError.self) {
      try HTTPJSONPreset.shelly1.source(.init(url: server.url)).read()
    }
    #expect(error?.kind == kind)
  }

  @Test(arguments: ["SHA-256", "MD5"])
  func `a digest login is taken by a server that was written from the standard`(
    algorithm: String
  ) throws {
    let server = try DigestServer(algorithm: algorithm, password: "Mufasa ÄÖ")
    defer { server.stop() }
    var plug = HTTPJSONPreset.Plug(url: server.url)
    plug.password = "Mufasa ÄÖ"
    let source = try HTTPJSONPreset.shelly2.source(plug)
    for _ in 0..<3 { #expect(try source.read().milliwatts == 41_400) }
    plug.password = "Scar"
    let error = #expect(throws: PlugError.self) { try HTTPJSONPreset.shelly2.source(plug).read() }
    #expect(error?.kind == .refusal)
    #expect(error?.description.contains("password") == true)
    #expect(error?.description.contains("Scar") == false)
  }
}

/// The server of Tests/Judges/digest_server.py, in a process of its own.
private final class DigestServer {
  let url: String
  private let process = Subprocess()

  init(algorithm: String, password: String) throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Judges/digest_server.py")
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script.path, algorithm, password]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    url = line.trimmingCharacters(in: .whitespacesAndNewlines)
    try #require(url.hasPrefix("http://"), "the server did not start")
  }

  func stop() {
    // Not SIGTERM: a child of a Dispatch thread inherits its mask, which blocks that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}

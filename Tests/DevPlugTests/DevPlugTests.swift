import Foundation
import Testing

@testable import DevPlug

@Suite struct DevPlugTests {
  private func plug(_ curve: PowerCurve = .fixed(mW: 41_400)) throws -> DevPlug {
    var options = DevPlug.Options()
    options.port = 0
    options.curve = curve
    options.name = "Jane's <plug> & \"more\""
    return try DevPlug(options)
  }

  @Test func `setup and service descriptions are well-formed, and every service is listed`() throws
  {
    let plug = try plug()
    defer { plug.stop() }
    let setup = try #require(try RawClient.get("/setup.xml", plug))
    let body = try #require(setup.split(separator: "\r\n\r\n", maxSplits: 1).last)
    let elements = try #require(XML.elements(of: Array(body.utf8)))
    #expect(elements.first { $0.name == "friendlyName" }?.text == "Jane's <plug> & \"more\"")
    #expect(elements.first { $0.name == "UDN" }?.text == plug.udn)
    let paths = elements.filter { $0.name == "SCPDURL" }.map(\.text)
    #expect(paths.count == Service.all.count)
    for path in paths {
      let answer = try #require(try RawClient.get(path, plug))
      let body = try #require(answer.split(separator: "\r\n\r\n", maxSplits: 1).last)
      #expect(XML.elements(of: Array(body.utf8))?.first?.name == "scpd", "\(path)")
    }
  }

  @Test func `answers look like the device's, and the connection is closed behind each`() throws {
    let plug = try plug()
    defer { plug.stop() }
    let request =
      "GET /setup.xml HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
    let both = try #require(
      try RawClient.exchange(request + request, port: RawClient.port(of: plug)))
    let text = String(decoding: both, as: UTF8.self)
    #expect(text.split(separator: "HTTP/1.1 200 OK", omittingEmptySubsequences: true).count == 1)
    let names = text.split(separator: "\r\n\r\n")[0].split(separator: "\r\n").dropFirst().map {
      $0.split(separator: ":")[0]
    }
    #expect(
      names == [
        "CONTENT-LENGTH", "CONTENT-TYPE", "DATE", "EXT", "SERVER", "X-User-Agent",
      ])
  }

  @Test func `GetInsightParams has the wrong namespace, mixed line ends and eleven fields`() throws
  {
    let plug = try plug()
    defer { plug.stop() }
    let answer = try #require(try RawClient.call("GetInsightParams", of: "insight", plug))
    #expect(
      answer.contains("<u:GetInsightParamsResponse xmlns:u=\"urn:Belkin:service:metainfo:1\">\r\n"))
    #expect(answer.contains("<s:Body>\n<u:"))
    #expect(!answer.contains("<?xml"))
    let fields = try RawClient.params(plug)
    #expect(fields.count == 11 && fields[0] == "1" && fields[7] == "41400" && fields[10] == "8000")
    #expect(fields[9].hasSuffix(".000000"))
  }

  @Test func `it can be switched, and switching twice is an error`() throws {
    let plug = try plug()
    defer { plug.stop() }
    func set(_ state: String) throws -> String {
      try RawClient.call(
        "SetBinaryState", of: "basicevent", arguments: "<BinaryState>\(state)</BinaryState>", plug)
        ?? ""
    }
    #expect(try set("0").contains("<BinaryState>0</BinaryState>"))
    #expect(try set("0").contains("<BinaryState>Error</BinaryState>"))
    let state = try RawClient.call("GetBinaryState", of: "basicevent", plug)
    #expect(state?.contains("<BinaryState>0</BinaryState>") == true)
    #expect(try RawClient.params(plug)[0] == "0")
    #expect(try set("1").contains("<BinaryState>1</BinaryState>"))
    #expect(try set("7").contains("<errorCode>402</errorCode>"))
  }

  @Test func `actions that are unknown, unquoted or broken are refused`() throws {
    let plug = try plug()
    defer { plug.stop() }
    let type = "urn:Belkin:service:insight:1"
    let good = RawClient.envelope("GetInsightParams", type)
    let attempts: [(String, String)] = [
      ("SOAPACTION: \(type)#GetInsightParams", good),
      ("SOAPACTION: \"\(type)#GetPower\"", good),
      ("SOAPACTION: \"\(type)#GetPower\"", RawClient.envelope("GetPower", type)),
      ("SOAPACTION: \"\(type)#GetInsightParams\"", String(good.dropLast(3))),
      ("SOAPACTION: \"\(type)#GetInsightParams\"", "<!DOCTYPE s []>" + good),
      ("X: y", good),
    ]
    for (header, body) in attempts {
      let answer = try RawClient.post("/upnp/control/insight1", headers: [header], body, plug)
      #expect(answer?.hasPrefix("HTTP/1.1 500 ") == true, "\(header)")
      #expect(answer?.contains("<errorCode>401</errorCode>") == true, "\(header)")
    }
    #expect(try RawClient.get("/nothing", plug)?.hasPrefix("HTTP/1.1 404 ") == true)
    #expect(try RawClient.post("/setup.xml", "", plug)?.hasPrefix("HTTP/1.1 501 ") == true)
    #expect(try RawClient.exchange("nonsense\r\n\r\n", port: RawClient.port(of: plug)) == [])
  }

  @Test func `faults are set, shown and refused over HTTP`() throws {
    let plug = try plug()
    defer { plug.stop() }
    func post(_ body: String) throws -> String {
      try RawClient.post("/devkit/faults", body, plug) ?? ""
    }
    #expect(
      try post(#"{"faults":["ten-fields","slow:1"]}"#).hasSuffix(
        #"{"faults":["slow:1","ten-fields"]}"#))
    #expect(plug.faults == [.tenFields, .slow(ms: 1)])
    #expect(try RawClient.params(plug).count == 10)
    #expect(try post(#"{"faults":["nonsense"]}"#).hasPrefix("HTTP/1.1 400 "))
    #expect(try post("nonsense").hasPrefix("HTTP/1.1 400 "))
    #expect(plug.faults == [.tenFields, .slow(ms: 1)])
    #expect(try post(#"{"faults":[]}"#).hasSuffix(#"{"faults":[]}"#))
    #expect(try RawClient.params(plug).count == 11)
  }

  @Test func `a wedged plug accepts and never answers, but still takes its faults away`() throws {
    let plug = try plug()
    defer { plug.stop() }
    try plug.setFaults([.wedged])
    let request = "GET /setup.xml HTTP/1.1\r\n\r\n"
    #expect(
      try RawClient.exchange(request, port: RawClient.port(of: plug), timeoutMs: 200) == [])
    _ = try RawClient.post("/devkit/faults", #"{"faults":[]}"#, plug)
    #expect(try RawClient.get("/setup.xml", plug)?.hasPrefix("HTTP/1.1 200 ") == true)
  }

  @Test func `a refusal ends when it is taken away, or by itself`() throws {
    let plug = try plug()
    defer { plug.stop() }
    try plug.setFaults([.refused(ms: nil)])
    #expect(try RawClient.get("/setup.xml", plug) == nil)
    try plug.setFaults([])
    #expect(try RawClient.get("/setup.xml", plug) != nil)
    try plug.setFaults([.refused(ms: 100)])
    #expect(try RawClient.get("/setup.xml", plug) == nil)
    let deadline = ContinuousClock.now + .seconds(10)
    while try RawClient.get("/setup.xml", plug) == nil, ContinuousClock.now < deadline {}
    #expect(try RawClient.get("/setup.xml", plug)?.hasPrefix("HTTP/1.1 200 ") == true)
  }

  @Test func `stopping ends it at once, whatever it is doing, and frees the port`() throws {
    let plug = try plug()
    try plug.setFaults([.slow(ms: 60_000)])
    let port = RawClient.port(of: plug)
    let asked = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      asked.signal()
      _ = try? RawClient.exchange("GET / HTTP/1.1\r\n\r\n", port: port, timeoutMs: 30_000)
      ended.signal()
    }
    asked.wait()
    let start = ContinuousClock.now
    plug.stop()
    #expect(ended.wait(timeout: .now() + 5) == .success)
    #expect(ContinuousClock.now - start < .seconds(5))
    var options = DevPlug.Options()
    options.port = port
    try DevPlug(options).stop()
  }

  @Test func `a port that is taken, and an address that is none, say so`() throws {
    let plug = try plug()
    defer { plug.stop() }
    var options = DevPlug.Options()
    options.port = RawClient.port(of: plug)
    let taken = #expect(throws: DevPlugError.self) { _ = try DevPlug(options) }
    #expect(taken?.description.contains("127.0.0.1:\(options.port)") == true)
    options.bind = "localhost"
    let noAddress = #expect(throws: DevPlugError.self) { _ = try DevPlug(options) }
    #expect(noAddress?.description.contains("localhost") == true)
  }
}

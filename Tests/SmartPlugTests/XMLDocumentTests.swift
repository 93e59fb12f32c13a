import Testing

@testable import SmartPlug

@Suite struct XMLDocumentTests {
  static let recorded =
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
    + "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\n"
    + "<u:GetInsightParamsResponse xmlns:u=\"urn:Belkin:service:metainfo:1\">\r\n"
    + "<InsightParams>1|0|231|300|183183|1209600|8|41400|1164707|99830512.000000|8000"
    + "</InsightParams>\r\n</u:GetInsightParamsResponse>\r\n</s:Body> </s:Envelope>"

  private func read(_ text: String) throws -> XMLDocument { try XMLDocument(Array(text.utf8)) }

  @Test func `elements are found by local name, whatever their namespace`() throws {
    #expect(try read(Self.recorded).text(of: "InsightParams")?.hasPrefix("1|0|231") == true)
    #expect(try read("<a:x xmlns:a='b'><c:d xmlns:c='e'>f</c:d></a:x>").text(of: "d") == "f")
    #expect(try read("<a><b>1<c>2</c>3</b></a>").text(of: "b") == "13")
    #expect(try read("<a/>").text(of: "b") == nil)
  }

  @Test func `a byte order mark, a declaration and character references are XML too`() throws {
    let text = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><a><b>&lt;&#65;&amp;</b></a>"
    #expect(try read(text).text(of: "b") == "<A&")
  }

  @Test(arguments: [
    "", " ", "<", "<html><p>busy</html>", "<a>", "<a></b>", "<a/><b/>", "<a>&undeclared;</a>",
    "not xml", "{\"power\":1}", String(recorded.dropLast(40)), "<a>\u{0}</a>",
  ])
  func `what is not well-formed is refused`(text: String) {
    #expect(throws: XMLDocument.Failure.self) { try read(text) }
  }

  @Test(arguments: [
    "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
    "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
  ])
  func `a document type is refused, and with it entities`(text: String) {
    let failure = #expect(throws: XMLDocument.Failure.self) { try read(text) }
    #expect(failure?.reason.contains("document type") == true)
  }

  @Test func `depth and number of elements are limited`() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
    }
    func wide(_ count: Int) -> String {
      "<a>" + String(repeating: "<b/>", count: count - 1) + "</a>"
    }
    _ = try read(nested(XMLDocument.maximumDepth))
    #expect(throws: XMLDocument.Failure.self) { try read(nested(XMLDocument.maximumDepth + 1)) }
    #expect(throws: XMLDocument.Failure.self) { try read(nested(20_000)) }
    _ = try read(wide(XMLDocument.maximumElements))
    #expect(throws: XMLDocument.Failure.self) { try read(wide(XMLDocument.maximumElements + 1)) }
  }

  @Test func `bytes changed at random never crash it, nor make up a power`() {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix64(seed: seed)
    var read = 0
    for _ in 0..<20_000 {
      var bytes = Array(Self.recorded.utf8)
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        default: bytes = Array(bytes[..<index] + bytes[(index / 2)...])
        }
      }
      guard let text = try? XMLDocument(bytes).text(of: "InsightParams"),
        let params = try? InsightParams(text)
      else { continue }
      read += 1
      #expect((0...PowerSample.maximumMilliwatts).contains(params.milliwatts), "seed \(seed)")
    }
    #expect(read > 0, "seed \(seed)")
  }
}

/// Random numbers that a seed repeats.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

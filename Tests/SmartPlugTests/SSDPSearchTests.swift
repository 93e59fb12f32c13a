import Testing

@testable import SmartPlug

@Suite struct SSDPSearchTests {
  @Test func `an answer is read whatever its capitals and line ends`() {
    let packet =
      "HTTP/1.1 200 OK\nlocation:http://10.0.0.5:49153/setup.xml \r\nusn: uuid:Insight-1::x\n\n"
    let answer = SSDPSearch.answer(packet.utf8)
    #expect(answer?.location == "http://10.0.0.5:49153/setup.xml")
    #expect(answer?.udn == "uuid:Insight-1")
  }

  @Test(arguments: [
    "", "\u{0}\u{1}", "NOTIFY * HTTP/1.1\r\nLOCATION: x\r\nUSN: y\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nLOCATION: x\r\nUSN: y\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLOCATION: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nUSN: x\r\n\r\n", "HTTP/1.1 200 OK",
  ])
  func `what is no answer is none`(packet: String) {
    #expect(SSDPSearch.answer(packet.utf8) == nil)
  }
}

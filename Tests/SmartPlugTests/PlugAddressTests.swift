import Testing

@testable import SmartPlug

@Suite struct PlugAddressTests {
  @Test(
    arguments: [
      ("http://192.168.1.20:49153", "192.168.1.20", 49153),
      ("http://192.168.1.20:49154/", "192.168.1.20", 49154),
      ("http://192.168.1.20:49152/setup.xml", "192.168.1.20", 49152),
      ("HTTP://plug.fritz.box", "plug.fritz.box", 49153),
    ] as [(String, String, UInt16)])
  func `URLs of plugs are read`(url: String, host: String, port: UInt16) {
    let address = PlugAddress(url)
    #expect(address?.host == host && address?.port == port)
  }

  @Test(arguments: [
    "", "http://", "192.168.1.20", "https://192.168.1.20", "ftp://192.168.1.20",
    "http://192.168.1.20:0", "http://192.168.1.20:65536", "http://192.168.1.20:x",
    "http://192.168.1.20:", "http://192.168.1.20/other", "http://u:p@192.168.1.20",
    "http://192.168.1.20?x", "http://[::1]:49153", "http://a b", "http://a\r\nX: y",
  ])
  func `what is none is an error that shows the form`(url: String) {
    let error = #expect(throws: PlugError.self) { _ = try WeMoInsight(url: url) }
    #expect(error?.kind == .badAddress)
    #expect(error?.description.contains("http://192.168.1.20:49153") == true)
  }

  @Test func `no error shows a password in a URL`() {
    let error = #expect(throws: PlugError.self) {
      _ = try WeMoInsight(url: "http://jane:hunter2@192.168.1.20")
    }
    #expect(error?.description.contains("hunter2") == false)
  }

  @Test func `a name is turned into numbers, and one that has none is nil`() {
    #expect(PlugAddress("http://localhost")?.numericHost() == "127.0.0.1")
    #expect(PlugAddress("http://127.0.0.1")?.numericHost() == "127.0.0.1")
    #expect(PlugAddress("http://nothing.invalid")?.numericHost() == nil)
  }
}

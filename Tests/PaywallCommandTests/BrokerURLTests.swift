import Testing

@testable import paywall

@Suite struct BrokerURLTests {
  @Test(arguments: [
    ("mqtt://plug.example", "mqtt://plug.example:1883"),
    ("MQTTS://Plug.Example/", "mqtts://plug.example:8883"),
    ("mqtt://127.0.0.1:1884", "mqtt://127.0.0.1:1884"), ("mqtt://[::1]", "mqtt://[::1]:1883"),
    ("wss://h", "wss://h:443"),
  ])
  func `a broker's URL is read`(text: String, meaning: String) {
    #expect(BrokerURL(argument: text)?.description == meaning)
  }

  @Test(arguments: [
    "", "plug.example", "http://h", "mqtt://", "mqtt://user:secret@h", "mqtt://user@h",
    "mqtt://h:0",
    "mqtt://h:65536", "mqtt://h:+1", "mqtt://h:", "mqtt://h/path", "mqtt://../x", "mqtt://[::1",
    "mqtt://[h]", "mqtt://-h", "mqtt://h\u{1B}[2J", "mqtt://ä",
  ])
  func `what is no broker's URL is refused`(text: String) {
    #expect(BrokerURL(argument: text) == nil)
  }

  @Test(arguments: [
    ("localhost", true), ("127.1.2.3", true), ("[::1]", true), ("127.evil.example", false),
    ("127.0.0.1.evil.example", false), ("localhost.evil.example", false), ("10.0.0.1", false),
  ])
  func `only this machine is loopback`(host: String, isLoopback: Bool) {
    #expect(BrokerURL(argument: "mqtt://\(host)")?.isLoopback == isLoopback)
  }
}

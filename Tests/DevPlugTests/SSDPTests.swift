import Glibc
import Testing

@testable import DevPlug

@Suite struct SSDPTests {
  private func search(_ target: String) -> String {
    [
      "M-SEARCH * HTTP/1.1", "ST: \(target)", "MX: 1", "MAN: \"ssdp:discover\"",
      "HOST: 239.255.255.250:1900", "", "",
    ].joined(separator: "\r\n")
  }

  @Test(arguments: [
    "urn:Belkin:service:basicevent:1", "urn:Belkin:device:insight:1", "urn:Belkin:device:**",
    "upnp:rootdevice", "ssdp:all",
  ])
  func `searches for it are answered in their own words`(target: String) throws {
    #expect(SSDPResponder.searchTarget(of: search(target).utf8) == target)
  }

  @Test func `searches for others, and what is no search, are not answered`() {
    let others = [
      search("urn:schemas-upnp-org:device:MediaRenderer:1"),
      search("ssdp:all").replacing("M-SEARCH", with: "NOTIFY"),
      search("ssdp:all").replacing("\"ssdp:discover\"", with: "discover"),
      "M-SEARCH * HTTP/1.1\r\n\r\n", "", "\u{0}\u{FFFF}",
    ]
    for other in others { #expect(SSDPResponder.searchTarget(of: other.utf8) == nil) }
  }

  @Test func `a search that reaches its port is answered with where it is`() throws {
    var options = DevPlug.Options()
    options.port = 0
    options.answersSearches = true
    let plug = try DevPlug(options)
    defer { plug.stop() }
    let socket = try Descriptor(Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket")
    let address = try sockaddr_in("127.0.0.1", port: SSDPResponder.port)
    let bytes = Array(search("urn:Belkin:service:basicevent:1").utf8)
    #expect(address.withPointer { sendto(socket.number, bytes, bytes.count, 0, $0, $1) } > 0)
    try #require(socket.waitUntilReadable(orStopped: try StopSignal(), timeoutMs: 5000))
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = recv(socket.number, &buffer, buffer.count, 0)
    let answer = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("\r\nLOCATION: \(plug.url)\r\n"))
    #expect(answer.contains("\r\nUSN: \(plug.udn)::urn:Belkin:service:basicevent:1\r\n"))
  }
}

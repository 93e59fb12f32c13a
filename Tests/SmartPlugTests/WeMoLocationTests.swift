import DevPlug
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SmartPlug

/// Insights that are not, or no longer, where they are configured to be.
@Suite struct WeMoLocationTests {
  private func plug(
    _ serial: String, port: UInt16 = 0, mW: Int = 41_400, ssdp: Bool = false
  ) throws -> DevPlug {
    var options = DevPlug.Options()
    options.port = port
    options.serial = serial
    options.curve = .fixed(mW: mW)
    options.answersSearches = ssdp
    return try DevPlug(options)
  }

  private func port(of plug: DevPlug) throws -> UInt16 {
    try #require(URL(string: plug.url)?.port.flatMap { UInt16($0) })
  }

  /// Searches go to a port where nobody listens.
  private static func silence() throws -> SSDPSearch {
    SSDPSearch(group: "127.0.0.1", port: try LoopbackServer.deafPort())
  }

  private func insight(
    _ plug: DevPlug, udn: String?, search: SSDPSearch? = nil, ports: [UInt16] = []
  ) throws -> WeMoInsight {
    try WeMoInsight(
      url: plug.url, udn: udn, clock: { MonotonicClock.nowMs() },
      search: search ?? (try Self.silence()), ports: ports)
  }

  @Test func `a plug is found again on another port of its host`() throws {
    let first = try plug("A1")
    let stranger = try plug("B1", mW: 5000)
    defer { stranger.stop() }
    let udn = first.udn
    let next = try plug("A1", mW: 7000)
    defer { next.stop() }
    let deaf = try LoopbackServer.deafPort()
    let insight = try insight(
      first, udn: nil, ports: [deaf, try port(of: stranger), try port(of: next)])
    #expect(try insight.read().milliwatts == 41_400)
    #expect(insight.identity == udn)
    first.stop()
    // The first failure only tells that it is gone.
    #expect(throws: PlugError.self) { try insight.read() }
    #expect(try insight.read().milliwatts == 7000)
    #expect(stranger.load.requests == 1)
    #expect(next.load.mostAtOnce == 1)
  }

  @Test func `a port that hangs does not end the search for the right one`() throws {
    let hanging = try plug("A2")
    try hanging.setFaults([.wedged])
    defer { hanging.stop() }
    let right = try plug("A2", mW: 7000)
    defer { right.stop() }
    let insight = try insight(
      hanging, udn: right.udn, ports: [try port(of: hanging), try port(of: right)])
    #expect(try insight.read().milliwatts == 7000)
  }

  @Test func `a stranger at the old address is not read`() throws {
    let old = try plug("A3")
    let insight = try insight(old, udn: old.udn)
    #expect(try insight.read().milliwatts == 41_400)
    let port = try port(of: old)
    old.stop()
    #expect(throws: PlugError.self) { try insight.read() }
    let stranger = try plug("B3", port: port, mW: 5000)
    defer { stranger.stop() }
    let error = #expect(throws: PlugError.self) { try insight.read() }
    #expect(error?.kind == .stranger)
    #expect(error?.description.contains("Insight-1_0-B3") == true)
  }

  @Test func `with a UDN, a stranger is not read even once`() throws {
    let stranger = try plug("B4", mW: 5000)
    defer { stranger.stop() }
    let insight = try insight(stranger, udn: "uuid:Insight-1_0-A4")
    let error = #expect(throws: PlugError.self) { try insight.read() }
    #expect(error?.kind == .stranger)
    #expect(stranger.load.requests == 1)
  }

  @Test func `a stranger that comes without a gap is noticed within a minute`() throws {
    let old = try plug("A5")
    let port = try port(of: old)
    let now = Mutex<Int64>(0)
    let insight = try WeMoInsight(
      url: old.url, udn: old.udn, clock: { now.withLock { $0 } }, search: try Self.silence(),
      ports: [])
    #expect(try insight.read().milliwatts == 41_400)
    old.stop()
    let stranger = try plug("B5", port: port, mW: 5000)
    defer { stranger.stop() }
    now.withLock { $0 = WeMoInsight.checkEveryMs }
    let error = #expect(throws: PlugError.self) { try insight.read() }
    #expect(error?.kind == .stranger)
  }

  @Test func `a search finds it by its UDN alone, and leaves others aside`() throws {
    let responder = try Responder()
    let stranger = try plug("B6", mW: 5000)
    defer { stranger.stop() }
    let right = try plug("A6", mW: 7000)
    defer { right.stop() }
    responder.answers = [
      "garbage", Self.answer(udn: right.udn, location: "ftp://x/"),
      // A stranger that bears the plug's name in its answer only.
      Self.answer(udn: right.udn, location: stranger.url),
      Self.answer(udn: stranger.udn, location: stranger.url),
      Self.answer(udn: right.udn, location: right.url),
    ]
    let insight = try WeMoInsight(
      url: nil, udn: right.udn, clock: { MonotonicClock.nowMs() },
      search: SSDPSearch(group: "127.0.0.1", port: responder.port))
    #expect(try insight.read().milliwatts == 7000)
    #expect(insight.name == right.udn)
    #expect(stranger.load.requests == 1)
    let search = responder.question
    #expect(search.hasPrefix("M-SEARCH * HTTP/1.1\r\nST: urn:Belkin:service:basicevent:1\r\n"))
    #expect(search.contains("\r\nMAN: \"ssdp:discover\"\r\n") && search.hasSuffix("\r\n\r\n"))
  }

  @Test func `a plug that nobody knows of is an error after the time of a search`() throws {
    let start = ContinuousClock.now
    let insight = try WeMoInsight(
      url: nil, udn: "uuid:Insight-1_0-A7", clock: { MonotonicClock.nowMs() },
      search: try Self.silence())
    let error = #expect(throws: PlugError.self) { try insight.read() }
    #expect(error?.kind == .noAnswer)
    #expect(ContinuousClock.now - start > .seconds(2.5))
    insight.cancel()
    #expect(throws: PlugError.self) { try insight.read() }
  }

  @Test func `the plug of the development kit is discovered by multicast`() throws {
    let serial = "T\(UInt32.random(in: .min ... .max))"
    let plug = try plug(serial, ssdp: true)
    defer { plug.stop() }
    let found = PlugDiscovery.run(timeoutMs: 1500)
    let mine = try #require(found.first { $0.id == plug.udn })
    #expect(mine.source == "wemo" && plug.url == mine.address + "/setup.xml")
    #expect(mine.name == "WeMo Insight")
    let insight = try WeMoInsight(url: nil, udn: plug.udn)
    #expect(try insight.read().milliwatts == 41_400)
  }

  @Test(arguments: ["Insight-1_0-1", "uuid:Socket-1_0-1", ""])
  func `what is no UDN of an Insight is refused`(udn: String) {
    #expect(throws: PlugError.self) { try WeMoInsight(url: nil, udn: udn) }
  }

  private static func answer(udn: String, location: String) -> String {
    [
      "HTTP/1.1 200 OK", "CACHE-CONTROL: max-age=86400", "EXT:", "LOCATION: \(location)",
      "SERVER: Unspecified, UPnP/1.0, Unspecified", "ST: \(WeMoLocator.target)",
      "USN: \(udn)::\(WeMoLocator.target)", "", "",
    ].joined(separator: "\r\n")
  }
}

/// A UDP socket that answers each search with all of its answers.
private final class Responder: Sendable {
  let port: UInt16
  private let state = Mutex((answers: [String](), question: ""))

  var answers: [String] {
    get { state.withLock { $0.answers } }
    set { state.withLock { $0.answers = newValue } }
  }
  var question: String { state.withLock { $0.question } }

  init() throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) + getsockname(socket, $0, &size)
      }
    }
    try #require(status == 0)
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [weak self] in
      while true {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var peer = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &peer) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            let count = recvfrom(socket, &buffer, buffer.count, 0, address, &size)
            let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
            self?.state.withLock { $0.question = text }
            for answer in self?.answers ?? [] {
              let bytes = Array(answer.utf8)
              sendto(socket, bytes, bytes.count, 0, address, size)
            }
          }
        }
      }
    }
  }
}

import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SmartPlug

@Suite struct PlugDiscoveryTests {
  /// The answer of RFC 6763 to a question for `_shelly._tcp.local`, with a compressed name.
  private static func answer(_ service: String, _ name: String) -> [UInt8] {
    let question = ServiceQuestion.datagram([service])
    let head: [UInt8] = [0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]
    let target = [UInt8(name.utf8.count)] + Array(name.utf8) + [0xC0, 12]
    return head + question.dropFirst(12) + [0xC0, 12, 0, 12, 0, 1, 0, 0, 0, 10]
      + [0, UInt8(target.count)] + target
  }

  @Test func `a question is worded as the standard words it`() {
    let expected: [UInt8] =
      [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5] + Array("_http".utf8) + [4] + Array("_tcp".utf8)
      + [5] + Array("local".utf8) + [0, 0, 12, 0, 1]
    #expect(ServiceQuestion.datagram(["_http._tcp.local"]) == expected)
  }

  @Test func `an answer names its instance`() {
    let found = ServiceQuestion.instances(Self.answer("_shelly._tcp.local", "ShellyPlugS G3"))
    #expect(found.map(\.service) == ["_shelly._tcp.local"])
    #expect(found.map(\.name) == ["ShellyPlugS G3"])
    #expect(ServiceQuestion.instances(ServiceQuestion.datagram(["_http._tcp.local"])).isEmpty)
  }

  @Test func `no datagram is too bad to be read`() {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix64(seed: seed)
    let good = Self.answer("_shelly._tcp.local", "Shelly")
    for count in 0...good.count { _ = ServiceQuestion.instances(Array(good.prefix(count))) }
    for _ in 0..<20_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      }
      let found = ServiceQuestion.instances(bytes)
      #expect(found.count <= 1000, "seed \(seed)")
    }
    // A name that points at itself.
    let loop: [UInt8] = [0, 1, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xC0, 12, 0, 12, 0, 1]
    #expect(ServiceQuestion.instances(loop + [UInt8](repeating: 0, count: 8)).isEmpty)
  }

  @Test func `a Shelly that announces itself twice is one plug`() throws {
    let answers = [
      Self.answer("_http._tcp.local", "shellyplugsg3-1"),
      Self.answer("_shelly._tcp.local", "shellyplugsg3-1"),
      Self.answer("_http._tcp.local", "shellyplugsg3-1"),
      Self.answer("_http._tcp.local", "printer"), [1, 2, 3],
    ]
    let port = try Self.answering(answers)
    let found = PlugDiscovery.announced(
      500, Cancellation(), group: "127.0.0.1", port: port)
    #expect(
      found == [
        FoundPlug(
          source: "http-json", preset: "shelly2", address: "http://127.0.0.1",
          name: "shellyplugsg3-1")
      ])
  }

  @Test func `a Kasa plug with a meter is found, one without is not`() throws {
    let info = { (feature: String) in
      KasaCipher.disguised(
        #"{"system":{"get_sysinfo":{"alias":"Desk","model":"KP115(EU)","deviceId":"8006","feature":""#
          + feature + #""}}}"#)
    }
    let port = try Self.answering([info("TIM"), info("TIM:ENE"), [0xFF]])
    let found = PlugDiscovery.kasas(500, Cancellation(), host: "127.0.0.1", port: port)
    #expect(
      found == [
        FoundPlug(
          source: "kasa", address: "127.0.0.1", id: "8006", name: "Desk", model: "KP115(EU)")
      ])
  }

  /// A UDP port of 127.0.0.1 that answers the first datagram with all of these.
  private static func answering(_ answers: [[UInt8]]) throws -> UInt16 {
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
    Thread.detachNewThread {
      var buffer = [UInt8](repeating: 0, count: 2048)
      var peer = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutablePointer(to: &peer) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          _ = recvfrom(socket, &buffer, buffer.count, 0, address, &size)
          for answer in answers { sendto(socket, answer, answer.count, 0, address, size) }
        }
      }
      close(socket)
    }
    return UInt16(bigEndian: address.sin_port)
  }
}

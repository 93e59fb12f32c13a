import Foundation
import Glibc

/// Answers searches for the plug on the local network (UPnP Device Architecture 1.0, section 1.2).
final class SSDPResponder: Sendable {
  static let group = "239.255.255.250"
  static let port: UInt16 = 1900

  private let socket: Descriptor
  private let stop: StopSignal
  private let identity: Identity
  private let plugPort: UInt16
  private let nls = UUID().uuidString.lowercased()
  private let ended = DispatchGroup()

  /// Joins the multicast group on the interface of an address, or on all with 0.0.0.0.
  init(identity: Identity, host: String, plugPort: UInt16) throws(DevPlugError) {
    self.identity = identity
    self.plugPort = plugPort
    stop = try StopSignal()
    socket = try Descriptor(Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket")
    try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
    try socket.bind(try sockaddr_in("0.0.0.0", port: Self.port))
    let group = try sockaddr_in(Self.group, port: 0).sin_addr
    let interface = try sockaddr_in(host, port: 0).sin_addr
    var membership = ip_mreq(imr_multiaddr: group, imr_interface: interface)
    let status = setsockopt(
      socket.number, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &membership,
      socklen_t(MemoryLayout<ip_mreq>.size))
    guard status == 0 else { throw DevPlugError.system("joining \(Self.group)") }
    ended.enter()
    Thread.detachNewThread {
      self.answerSearches()
      self.ended.leave()
    }
  }

  /// Ends the thread, and returns when it has ended.
  func close() {
    stop.stop()
    ended.wait()
  }

  private func answerSearches() {
    while !stop.wait(ms: 0) {
      guard socket.waitUntilReadable(orStopped: stop, timeoutMs: -1) else { continue }
      var buffer = [UInt8](repeating: 0, count: 2048)
      var sender = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let count = withUnsafeMutablePointer(to: &sender) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(socket.number, &buffer, buffer.count, 0, $0, &size)
        }
      }
      guard count > 0, let target = Self.searchTarget(of: buffer.prefix(count)) else { continue }
      answer(target, to: sender)
    }
  }

  private func answer(_ target: String, to sender: sockaddr_in) {
    guard let local = Self.localAddress(towards: sender) else { return }
    let bytes = Array(reply(target: target, host: local).utf8)
    _ = sender.withPointer { sendto(socket.number, bytes, bytes.count, 0, $0, $1) }
  }

  func reply(target: String, host: String) -> String {
    [
      "HTTP/1.1 200 OK",
      "CACHE-CONTROL: max-age=86400",
      "DATE: \(WebAnswer.date())",
      "EXT:",
      "LOCATION: http://\(host):\(plugPort)/setup.xml",
      "OPT: \"http://schemas.upnp.org/upnp/1/0/\"; ns=01",
      "01-NLS: \(nls)",
      "SERVER: Unspecified, UPnP/1.0, Unspecified",
      "X-User-Agent: redsonic",
      "ST: \(target)",
      "USN: \(identity.udn)::\(target)",
      "", "",
    ].joined(separator: "\r\n")
  }

  /// The search target of an M-SEARCH that an Insight answers, or nil.
  static func searchTarget(of packet: some Sequence<UInt8>) -> String? {
    let lines = String(decoding: Array(packet), as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("M-SEARCH * HTTP/1.") else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    guard headers["man"] == "\"ssdp:discover\"", let target = headers["st"] else { return nil }
    let known = [
      "ssdp:all", "upnp:rootdevice", "urn:Belkin:device:insight:1", "urn:Belkin:device:**",
    ]
    let isService = Service.all.contains { $0.type == target }
    return isService || known.contains(target) ? target : nil
  }

  /// The address of ours that a peer reaches us by: what a socket connected to it is bound to.
  /// (Connecting a datagram socket sends nothing.)
  private static func localAddress(towards peer: sockaddr_in) -> String? {
    guard
      let probe = try? Descriptor(Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket"),
      peer.withPointer({ connect(probe.number, $0, $1) }) == 0
    else { return nil }
    return probe.localAddress?.text
  }
}

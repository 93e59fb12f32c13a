internal import Glibc

/// Where a plug is on the local network.
struct PlugAddress: Hashable {
  let host: String
  let port: UInt16

  /// The port that a WeMo listens on first; it moves after crashes.
  static let usualPort: UInt16 = 49153

  /// Reads `http://HOST[:PORT]`, with or without `/` or `/setup.xml` behind it.
  ///
  /// Without a port, the usual one is meant.
  init?(_ url: String, usualPort: UInt16 = Self.usualPort) {
    guard url.lowercased().hasPrefix("http://") else { return nil }
    var rest = url.dropFirst("http://".count)
    for path in ["/setup.xml", "/"] where rest.hasSuffix(path) {
      rest = rest.dropLast(path.count)
      break
    }
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), Self.isHost(parts[0]) else { return nil }
    host = String(parts[0])
    guard parts.count == 2 else {
      port = usualPort
      return
    }
    guard let number = UInt16(parts[1]), number > 0 else { return nil }
    port = number
  }

  /// The address of a host in numbers.
  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// The address in numbers (IPv4: no WeMo has anything else), or nil when the name has none.
  ///
  /// Newer firmware answers 500 when the Host header holds a name, so it must be given numbers.
  func numericHost() -> String? {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else { return nil }
    defer { freeaddrinfo(first) }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = getnameinfo(
      first.pointee.ai_addr, first.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
      NI_NUMERICHOST)
    guard status == 0 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func isHost(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.count <= 253
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}

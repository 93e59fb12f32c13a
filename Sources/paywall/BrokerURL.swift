import ArgumentParser

/// Where a broker listens: `mqtt://host[:port]`, or `mqtts`, `ws`, `wss`.
struct BrokerURL: Hashable, ExpressibleByArgument, CustomStringConvertible {
  /// The scheme, in lower case.
  let scheme: String
  /// The host's name or address, in lower case and without brackets.
  let host: String
  let port: UInt16

  var isEncrypted: Bool { scheme == "mqtts" || scheme == "wss" }
  var isWebsocket: Bool { scheme == "ws" || scheme == "wss" }

  /// Whether nobody can be between us and the broker.
  var isLoopback: Bool {
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return host == "localhost" || host == "::1"
      || numbers.count == 4 && numbers.first == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }

  var description: String { "\(scheme)://\(place)" }

  /// `host:port`, the host in brackets where it is an IPv6 address.
  var place: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

  private static let ports: [String: UInt16] = ["mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443]

  /// Reads a URL without user and path; nil for anything else.
  init?(argument: String) {
    guard let mark = argument.firstRange(of: "://") else { return nil }
    let scheme = argument[..<mark.lowerBound].lowercased()
    guard let defaultPort = Self.ports[scheme] else { return nil }
    var rest = argument[mark.upperBound...]
    if rest.hasSuffix("/") { rest.removeLast() }
    let host: Substring
    let tail: Substring
    if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
      host = rest[rest.index(after: rest.startIndex)..<end]
      tail = rest[rest.index(after: end)...]
      guard host.contains(":"), host.utf8.allSatisfy(Self.isAddressByte) else { return nil }
    } else {
      host = rest.prefix { $0 != ":" }
      tail = rest[host.endIndex...]
      guard host.utf8.allSatisfy(Self.isNameByte), !host.hasPrefix(".") else { return nil }
    }
    guard (1...253).contains(host.utf8.count), !host.hasPrefix("-") else { return nil }
    if tail.isEmpty {
      port = defaultPort
    } else {
      guard tail.hasPrefix(":"), tail.dropFirst().utf8.allSatisfy({ (48...57).contains($0) }),
        let number = UInt16(tail.dropFirst()), number > 0
      else { return nil }
      port = number
    }
    self.scheme = scheme
    self.host = host.lowercased()
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    Character(Unicode.Scalar(byte)).isASCII
      && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
        || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte))
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
      || Character(Unicode.Scalar(byte)).isHexDigit
  }
}
